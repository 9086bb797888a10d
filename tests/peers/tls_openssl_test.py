#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway and openssl s_client: versions, ciphers, certificates by name and key, sessions, key updates, and what is refused, each with
its alert."""
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
from openssl import ROUTES, Typing, asked, get, listener
from authority import Authority
from rig import Weir, run, same

OLD = "DEFAULT:@SECLEVEL=0" # without it, s_client itself refuses to try


def good(said):
    """Whether s_client verified the server, and got its answer to the end."""
    code, text = said
    assert code == 0 and "Verification: OK" in text and "HTTP/1.1 200" in text and "Hello, World!" in text, text
    return text


def refused(said, alert):
    code, text = said
    assert code != 0 and alert in text and "HTTP/1.1" not in text, text


def gateway(*certificates, **more):
    return Weir("serve", config=listener(*certificates, **more) + ROUTES)


def versions():
    with Authority() as authority, gateway(authority.issue("localhost")) as weir:
        for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            text = good(asked(weir.address(), option, authority=authority))
            assert f"New, {version}, Cipher is" in text, text
        for option in ("-tls1", "-tls1_1"):
            refused(asked(weir.address(), option, "-cipher", OLD), "alert protocol version")
    with Authority() as authority, gateway(authority.issue("localhost"), min='"1.3"') as weir:
        good(asked(weir.address(), authority=authority))
        refused(asked(weir.address(), "-tls1_2"), "alert protocol version")


def ciphers():
    with Authority() as authority, gateway(authority.issue("localhost"), authority.issue("localhost", key="rsa")) as weir:
        for cipher in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                       "ECDHE-RSA-CHACHA20-POLY1305"):
            text = good(asked(weir.address(), "-tls1_2", "-cipher", cipher, authority=authority))
            assert f"Cipher is {cipher}" in text, text
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            assert f"Cipher is {suite}" in good(asked(weir.address(), "-tls1_3", "-ciphersuites", suite, authority=authority))
        for weak in ("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "NULL-SHA256", "AECDH-AES128-SHA",
                     "PSK-AES128-GCM-SHA256"):
            more = ("-psk", "00") if weak.startswith("PSK") else ()
            refused(asked(weir.address(), "-tls1_2", "-cipher", f"{weak}:@SECLEVEL=0", *more), "alert handshake failure")
        refused(asked(weir.address(), "-tls1_2", "-sigalgs", "RSA+SHA1:ECDSA+SHA1", "-cipher", OLD), "alert handshake failure")


def certificates_by_name_and_key():
    with Authority() as authority:
        first, exact, wild = authority.issue("first.test"), authority.issue("a.shop.test"), authority.issue("*.shop.test")
        rsa = authority.issue("a.shop.test", key="rsa", subject="/CN=rsa")
        with gateway(first, wild, rsa, exact) as weir:
            def subject(name, *options):
                code, text = asked(weir.address(), *options, name=name, authority=authority)
                same(code, 0, text)
                return re.search(r"^subject=CN ?= ?(.*)$", text, re.M)[1]
            for name, wanted in (("first.test", "first.test"), ("a.shop.test", "a.shop.test"), ("A.Shop.TEST", "a.shop.test"),
                                 ("b.shop.test", "*.shop.test"), ("c.b.shop.test", "first.test"), ("shop.test", "first.test"),
                                 ("other.test", "first.test"), (None, "first.test")):
                same(subject(name), wanted, name)
            # the authority's own signature is by ECDSA, so that is offered, too
            for options in (("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), ("-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256")):
                same(subject("a.shop.test", *options), "rsa", options)
            # a cipher for ECDSA that is not ours does not count
            same(subject("a.shop.test", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256"), "rsa")


def the_chain_is_sent_as_the_file_has_it():
    with Authority() as authority, gateway(authority.issue("localhost")) as weir:
        code, text = asked(weir.address(), "-showcerts", authority=authority)
        same((code, text.count("BEGIN CERTIFICATE")), (0, 2), text)


def sessions_are_resumed():
    with Authority() as authority, tempfile.TemporaryDirectory() as folder, gateway(authority.issue("localhost")) as weir:
        for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            path = os.path.join(folder, version)
            assert f"New, {version}" in good(asked(weir.address(), option, "-sess_out", path, authority=authority))
            for _ in range(3):
                assert f"Reused, {version}" in good(asked(weir.address(), option, "-sess_in", path, authority=authority))
        with Typing(weir.address(), "-tls1_2", "-reconnect") as client: # drops the connection five times
            client.type(get())
            code, text = client.ended()
            same((code, (client.before + text).count("Reused, TLSv1.2")), (0, 5), client.before + text)


def early_data_is_not_taken():
    with Authority() as authority, tempfile.TemporaryDirectory() as folder, gateway(authority.issue("localhost")) as weir:
        path, early = (os.path.join(folder, name) for name in ("session", "early"))
        with open(early, "wb") as file:
            file.write(get())
        good(asked(weir.address(), "-tls1_3", "-sess_out", path, authority=authority))
        text = good(asked(weir.address(), "-tls1_3", "-sess_in", path, "-early_data", early, authority=authority))
        assert "Early data was not sent" in text and text.count("HTTP/1.1 200") == 1, text


def a_ticket_of_another_gateway_means_a_whole_handshake():
    with Authority() as authority, tempfile.TemporaryDirectory() as folder:
        issued, path = authority.issue("localhost"), os.path.join(folder, "session")
        with gateway(issued) as weir:
            good(asked(weir.address(), "-tls1_3", "-sess_out", path, authority=authority))
        with gateway(issued) as weir:
            assert "New, TLSv1.3" in good(asked(weir.address(), "-sess_in", path, authority=authority))


def renegotiation_is_refused():
    with Authority() as authority, gateway(authority.issue("localhost")) as weir:
        with Typing(weir.address(), "-tls1_2") as client:
            client.type("R\n")
            code, text = client.ended()
            assert code != 0 and "RENEGOTIATING" in text and "no renegotiation" in text, text
        for _ in range(3):
            good(asked(weir.address(), authority=authority))


def keys_are_updated():
    with Authority() as authority, gateway(authority.issue("localhost")) as weir, Typing(weir.address(), "-tls1_3") as client:
        for letter in "KkKKk":
            client.type(letter + "\n")
            client.see("KEYUPDATE")
            client.type(get(end=False))
            assert "HTTP/1.1 200" in client.see("Hello, World!")
        client.type("Q\n")
        same(client.ended()[0], 0)


def protocols():
    with Authority() as authority, gateway(authority.issue("localhost")) as weir:
        assert "ALPN protocol: http/1.1" in good(asked(weir.address(), "-alpn", "h2,http/1.1", authority=authority))
        assert "No ALPN negotiated" in good(asked(weir.address(), authority=authority))
        refused(asked(weir.address(), "-alpn", "h2", authority=authority), "alert no application protocol")


def fragments_of_all_sizes():
    """A body of 40 KiB in records of 512 bytes, and the largest answer that a client wants to have in one."""
    body = b"x" * 40960
    head = b"POST /small HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with Authority() as authority, gateway(authority.issue("localhost")) as weir:
        for options in (("-max_send_frag", "512"), ("-maxfraglen", "512"), ("-maxfraglen", "1024", "-tls1_2"), ("-tls1_2", "-max_send_frag", "512")):
            code, text = asked(weir.address(), *options, sent=head + body, authority=authority)
            assert code == 0 and "HTTP/1.1 200" in text and '"algorithm":"sha256"' in text, (options, text)


def client_certificates():
    with Authority() as authority, Authority("Another") as other:
        with gateway(authority.issue("localhost"), client_ca=authority.path) as weir:
            def by(issued, version):
                return asked(weir.address(), version, *(("-cert", issued.cert, "-key", issued.key) if issued else ()), authority=authority)
            for version in ("-tls1_2", "-tls1_3"):
                good(by(authority.issue("client.test"), version))
                good(by(authority.issue("client.test", key="rsa"), version))
                refused(by(None, version), "alert certificate required" if version == "-tls1_3" else "alert handshake failure")
                refused(by(other.issue("client.test"), version), "alert unknown ca")
                refused(by(authority.issue("client.test", days=-1), version), "alert certificate expired")


run(versions, ciphers, certificates_by_name_and_key, the_chain_is_sent_as_the_file_has_it, sessions_are_resumed, early_data_is_not_taken,
    a_ticket_of_another_gateway_means_a_whole_handshake, renegotiation_is_refused, keys_are_updated, protocols, fragments_of_all_sizes,
    client_certificates)
