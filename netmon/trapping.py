"""The receiver of traps as the agent has it: its process, what it tells, and what follows."""
