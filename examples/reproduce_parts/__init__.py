"""The claims of the papers, and what decides them."""
