#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sslscan and testssl.sh find nothing against the gateway: no version before TLS 1.2, no weak cipher, no vulnerability."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.dont_write_bytecode = True
from front import program
from openssl import ROUTES, listener
from authority import Authority
from rig import PATIENCE, Weir, run, same
from secure import ask_securely, trusting

STRONG = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
          "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
          "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"} # of Mozilla's intermediate, without DHE, which needs parameters
DHE = {"DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-CHACHA20-POLY1305"}
# Mozilla's intermediate lets clients choose among its ciphers, all of which are good: who has no AES in hardware prefers ChaCha20
NOT_WANTED = {"cipher_order", "engine_problem"} # the second is of testssl.sh itself


@contextlib.contextmanager
def both_kinds():
    """A gateway with certificates of both kinds of keys, each of an authority with such a key. Gives one authority, and the gateway."""
    with Authority() as authority, Authority("RSA", key="rsa") as other:
        with Weir("serve", config=listener(authority.issue("localhost"), other.issue("localhost", key="rsa")) + ROUTES) as weir:
            yield authority, weir


def scanned(weir):
    done = subprocess.run([program("sslscan"), "--no-colour", "--show-certificate", "--xml=-", "--sni-name=localhost", "%s:%d" % weir.address()],
                          capture_output=True, text=True, timeout=4 * PATIENCE)
    same(done.returncode, 0, done.stderr)
    return xml.etree.ElementTree.fromstring(done.stdout[done.stdout.index("<?xml"):]).find("ssltest")


def sslscan_finds_nothing():
    with both_kinds() as (authority, weir):
        result = scanned(weir)
        versions = {(item.get("type") + item.get("version")): item.get("enabled") for item in result.findall("protocol")}
        same(versions, {"ssl2": "0", "ssl3": "0", "tls1.0": "0", "tls1.1": "0", "tls1.2": "1", "tls1.3": "1"})
        ciphers = {item.get("cipher") for item in result.findall("cipher")}
        assert ciphers <= STRONG | DHE and ciphers >= STRONG, ciphers
        assert all(item.get("strength") in ("strong", "acceptable") for item in result.findall("cipher"))
        same(result.find("renegotiation").get("supported"), "0")
        groups = {item.get("name").split(" ")[0] for item in result.findall("group")}
        assert {"x25519", "secp256r1"} <= groups <= {"x25519", "secp256r1", "secp384r1"}, groups
        same([item.get("vulnerable") for item in result.findall("heartbleed")], ["0"] * len(result.findall("heartbleed")))
        same(ask_securely(weir.address(), trusting(authority), "/hello", "localhost").status, 200) # and it serves


def testssl_finds_nothing():
    with both_kinds() as (authority, weir), tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "found.json")
        done = subprocess.run([program("testssl", "testssl.sh"), "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1",
                               "--add-ca", authority.path, "--jsonfile", path, "--protocols", "--std", "--server-preference", "--fs", "--vulnerable",
                               f"localhost:{weir.address()[1]}"],
                              capture_output=True, text=True, timeout=10 * PATIENCE, cwd=folder, stdin=subprocess.DEVNULL)
        with open(path, encoding="utf-8") as file:
            findings = json.load(file)
        assert len(findings) > 30, done.stdout[-2000:]
        bad = [f"{item['id']} {item['severity']}: {item['finding']}" for item in findings
               if item["severity"] not in ("OK", "INFO", "DEBUG") and item["id"] not in NOT_WANTED]
        same(bad, [])
        assert any(item["id"] == "TLS1_3" and item["severity"] == "OK" for item in findings), findings
        same(ask_securely(weir.address(), trusting(authority), "/hello", "localhost").status, 200)


run(sslscan_finds_nothing, testssl_finds_nothing, interfaces=(None,))
