# The highest exposure, by `systemd-analyze security`, that a unit of ours may have.
0.9
