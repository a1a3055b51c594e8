"""Gateway hosts: systemd as PID 1, sshd, containerd and a network of their own, on this machine."""
