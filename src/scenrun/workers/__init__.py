"""Where jobs run: processes of this machine, or of a cluster; it knows no job."""
