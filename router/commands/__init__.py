"""The commands of `inseam`, each a thin shell: it reads arguments, calls what does the work, prints, returns a code."""
