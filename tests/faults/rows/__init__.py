"""The rows of the table, a file for each part of Callboard that a fault hits."""
