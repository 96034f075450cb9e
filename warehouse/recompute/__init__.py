"""What has to be computed anew, and from which facts: invalidation, traversal of the adjacency, scope, reading, verification."""
