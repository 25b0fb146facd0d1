"""What happens: packets through compiled tables, proofs, explanations, differences."""
