"""Whatever is sent: `python tests/fuzz/run.py --minutes 5`.

Each target runs in a process of its own, so that a crash of native code is a finding and not the
end. Bytes are made by atheris (guided by what our code does with them) where it is installed, else
by `mutation`; whole requests are made by `requests`.
"""
