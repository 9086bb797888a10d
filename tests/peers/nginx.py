# SPDX-License-Identifier: MIT
"""Debian's nginx with a configuration of the test's."""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from rig import until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 200; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  default_type application/json;
  {http}
  server {{
    listen 127.0.0.1:{port};
    root {folder};
    {server}
  }}
}}
"""


@contextlib.contextmanager
def nginx(http="", server="", files=()):
    """Runs Debian's nginx with a configuration of the test's; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        os.chmod(folder, 0o755)
        for _ in range(20): # a port that was free a moment ago may be taken
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                address = free.getsockname()
            path = os.path.join(folder, "nginx.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(CONFIG.format(folder=folder, port=address[1], http=http, server=server))
            with open(os.path.join(folder, "said"), "w+b") as said:
                child = subprocess.Popen([NGINX, "-e", "stderr", "-c", path], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
                try:
                    until("nginx listens or ends", lambda: child.poll() is not None or listens(address))
                    if child.poll() is None:
                        yield address
                        return
                    said.seek(0)
                    words = said.read().decode()
                    assert "Address already in use" in words, words
                finally:
                    child.kill()
                    child.wait()
        raise AssertionError("no port is free")


def listens(address):
    with contextlib.suppress(OSError), socket.create_connection(address, 1):
        return True
