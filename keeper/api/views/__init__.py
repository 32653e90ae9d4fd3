"""From what the services give to the shapes of the answers, a module for each resource. Pure."""
