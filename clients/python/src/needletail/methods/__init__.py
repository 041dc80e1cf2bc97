"""What the server can do: a function for each method of the protocol, which makes a ``Call``. The clients offer them under
the same names; so this is where their parameters are described."""
