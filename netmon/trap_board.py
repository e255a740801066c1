"""What traps have told of hosts: counts, states that are raised, and the latest of each."""
