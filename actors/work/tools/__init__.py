"""Tools with which a model reads, changes and tries out the code of a branch. Pure: files in, text and edits out."""
