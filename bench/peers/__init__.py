"""Other ways to serve the same wire, written as anybody would at first, for Callboard to be measured against."""
