"""`callboard web`: a page on which one sees what happens, tries tasks, and takes care of dead letters."""
