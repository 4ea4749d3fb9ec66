"""What `examples.replace_backprop` is made of."""
