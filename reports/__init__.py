"""What people read, in three parts: the figures as values, the words by language, and rendering by medium."""
