"""Names of what a study remembers of a trial besides its parameters and scores."""

#: Which run of the program it belongs to, and on which machine by which process it runs: [host name, process].
RUN, OWNER = "run", "owner"
#: Changes while its process lives.
PULSE = "pulse"
#: Why it failed, or that it diverged.
REASON = "reason"
#: It was drawn by one process too many at the same moment, and never begun.
WITHDRAWN = "withdrawn"
