"""What the GPUs say of themselves, by NVIDIA's management library (NVML), where there is one.

Read at a scrape and in a thread: a driver that hangs must hang nobody else.
"""
