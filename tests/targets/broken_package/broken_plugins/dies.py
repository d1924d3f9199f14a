import os

print("a library aborts", flush=True)
os.abort()
