"""Where jobs run: processes of this machine, a cluster; and how much memory this process has. It knows no job."""
