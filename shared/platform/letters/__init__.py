"""Dead letters: what functions could not take, kept until a person has decided what becomes of it."""
