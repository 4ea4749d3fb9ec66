"""Parts of the example on what attribution maps show."""
