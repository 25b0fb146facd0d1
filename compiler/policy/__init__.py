"""Policy in one form: rules, matchers, stages, and what they mean (`semantics`)."""
