"""What people read: the figures as values, and how they are shown."""
