"""How fast a rule set is classified here, beside what the machine could do at best."""
