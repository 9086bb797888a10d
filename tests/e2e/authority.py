# SPDX-License-Identifier: MIT
"""Authorities and certificates for tests, made by the command openssl."""
import os
import subprocess
import tempfile

KEYS = {"ecdsa": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "rsa": ("rsa:2048",), "rsa4096": ("rsa:4096",)}


def openssl(*words, stdin=None):
    """Runs a command of openssl to its end, and returns what it prints."""
    done = subprocess.run(["openssl", *map(str, words)], input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, f"openssl {words}: {done.stderr}"
    return done.stdout


class Issued:
    """A certificate, with the chain to its authority, and its key: the paths of two files in PEM format."""

    def __init__(self, cert, key):
        self.cert, self.key = cert, key

    def __str__(self):
        return f"{{cert: {self.cert}, key: {self.key}}}"

    def replace(self, other):
        """Puts another certificate in its place, each file at once."""
        for mine, its in ((self.cert, other.cert), (self.key, other.key)):
            with open(its, "rb") as file, open(mine + ".new", "wb") as new:
                new.write(file.read())
            os.replace(mine + ".new", mine)


class Authority:
    """An authority in a folder of its own, to be used with `with`. path: the file of its own certificate."""

    def __init__(self, name="Test authority", key="ecdsa"):
        self.directory = tempfile.TemporaryDirectory(prefix="weir-authority-")
        os.chmod(self.directory.name, 0o755)
        self.name, self.count = name, 0
        self.path, self.key = self.file("authority.pem"), self.file("authority.key")
        openssl("req", "-x509", "-newkey", *KEYS[key], "-nodes", "-keyout", self.key, "-out", self.path, "-days", 3650, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def file(self, name, content=None):
        path = os.path.join(self.directory.name, name)
        if content is not None:
            with open(path, "w", encoding="ascii") as file:
                file.write(content)
        return path

    def issue(self, *names, days=30, key="ecdsa", subject=None):
        """Makes a certificate for names, such as "a.test", "*.a.test" or "127.0.0.1". days: until it expires; -1: it has, a day ago."""
        self.count += 1
        cert, secret, request = (self.file(f"{self.count}.{end}") for end in ("pem", "key", "request"))
        others = ",".join(("IP:" if name.replace(".", "").isdigit() or ":" in name else "DNS:") + name for name in names)
        more = self.file("extensions", f"basicConstraints=CA:false\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
                         f"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n{'subjectAltName=' + others if names else ''}\n")
        openssl("req", "-newkey", *KEYS[key], "-nodes", "-keyout", secret, "-out", request, "-subj", subject or f"/CN={names[0]}")
        openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.key, "-set_serial", self.count + 1, "-days", days,
                "-extfile", more, "-out", cert)
        with open(cert, "a", encoding="ascii") as leaf, open(self.path, encoding="ascii") as own:
            leaf.write(own.read())
        return Issued(cert, secret)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.directory.cleanup()
