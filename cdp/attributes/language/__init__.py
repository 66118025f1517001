"""The language of conditions: words, their meaning as a tree, and the tree as SQL. Nothing a user writes becomes SQL text."""
