#!/usr/bin/env python3
"""Publishes a release to a registry, vouches for it, and alters each thing that is vouched for: each must be refused.

    test_release.py RELEASE

RELEASE is the folder that `nix build .#release` made. Needs `publish`, `attest`, `verify-release` and `verify-image` in
PATH, cosign, git, skopeo, docker-registry (or `registry`), and the store that has the release's systems.
"""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from registry import Registry

HERE = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = HERE / "release"
SIGN = ["--yes", f"--signing-config={COMMANDS}/no-log.json", f"--trusted-root={COMMANDS}/no-authorities.json"]
BUNDLE = "provenance.sigstore.json"


def run(*command, env=None, cwd=None, given=b""):
    return subprocess.run(
        command, input=given, capture_output=True, cwd=cwd, env={**os.environ, **(env or {})}, timeout=120
    )


def must(*command, **more):
    done = run(*command, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr.decode()}")
    return done.stdout.decode()


class Release(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        # cosign has a folder of its own below it; git takes no one's settings.
        os.environ |= {"HOME": str(cls.scratch), "GIT_CONFIG_GLOBAL": "/dev/null"}
        for name in [name for name in os.environ if name.startswith(("CI_", "COSIGN_", "INSECURE_"))]:
            del os.environ[name]
        cls.clone = cls.scratch / "clone"
        must("git", "clone", "--quiet", "--no-hardlinks", HERE, cls.clone)
        cls.commit = must("git", "rev-parse", "HEAD", cwd=cls.clone).strip()

        cls.keys = {}
        for name in ["ours", "theirs"]:
            must(
                "cosign",
                "generate-key-pair",
                f"--output-key-prefix={cls.scratch / name}",
                given=b"a password",
                cwd=cls.scratch,
            )
        (cls.scratch / "password").write_text("a password\n")
        cls.signing = cls.signer("ours")
        cls.public = str(cls.scratch / "ours.pub")

        # What was built may be of a tree with changes; this is what a clean one gives.
        cls.release = cls.copy(pathlib.Path(sys.argv[1]), "release")
        cls.alter(cls.release / "release.json", lambda release: release.update(revision=cls.commit))
        cls.contents = json.loads((cls.release / "release.json").read_text())
        cls.digest = cls.contents["image"]

        cls.registry = Registry(cls.scratch)
        cls.addClassCleanup(cls.registry.stop)
        cls.repository = f"{cls.registry.name}/wordtally"
        cls.image = cls.publish(cls.repository)
        cls.attested = cls.scratch / "attested"
        must("attest", cls.release, cls.attested, "--image", cls.image, "--insecure", cwd=cls.clone, env=cls.signing)

    @classmethod
    def signer(cls, name):
        return {"COSIGN_KEY": str(cls.scratch / f"{name}.key"), "COSIGN_PASSWORD_FILE": str(cls.scratch / "password")}

    @classmethod
    def publish(cls, repository):
        return must("publish", cls.release, repository, "--insecure", cwd=cls.clone).splitlines()[-1]

    @classmethod
    def copy(cls, folder, name):
        to = pathlib.Path(tempfile.mkdtemp(dir=cls.scratch)) / name
        # From the store, where nothing may be written.
        shutil.copytree(folder, to, copy_function=shutil.copyfile)
        for path in [to, *to.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        return to

    @staticmethod
    def alter(file, change):
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content, indent=2, sort_keys=True))

    def refused(self, sentence, *command, **more):
        """It fails, by one sentence and with nothing else."""
        done = run(*command, **{"cwd": self.clone, **more})
        complaint = done.stderr.decode().strip()
        self.assertEqual(done.returncode, 1, f"{command[0]} took it: {done.stdout.decode()} {complaint}")
        self.assertRegex(complaint, rf"^{command[0]}: [^\n]*$")
        self.assertIn(sentence, complaint)

    def verify_refused(self, sentence, attested, *more):
        self.refused(sentence, "verify-release", attested, "--key", self.public, *more)

    def image_refused(self, sentence, image, *more):
        self.refused(sentence, "verify-image", image, "--key", self.public, "--insecure", *more)

    def signed(self, change):
        """What `attest` wrote, with another statement under the true key: as if the release had been made of it."""
        attested = self.copy(self.attested, "attested")
        self.alter(attested / "provenance.json", change)
        must(
            "cosign", "attest-blob", f"--key={self.scratch / 'ours.key'}", *SIGN,
            f"--statement={attested / 'provenance.json'}", f"--bundle={attested / BUNDLE}", given=b"a password",
        )  # fmt: skip
        return attested

    # As it should be.

    def test_a_release_is_verified_with_each_host(self):
        for host, entry in self.contents["hosts"].items():
            said = must("verify-release", self.attested, "--key", self.public, "--commit", self.commit, "--host", host)
            self.assertIn(f"hosts/{host}: sha256:", said)
            self.assertIn(f"commit: {self.commit}\n", said)
            paths = must("nix-store", "--query", "--requisites", entry["system"]).split()
            self.assertIn(self.contents["package"], paths, f"{host} does not have the released package")

    def test_a_closures_digest_can_be_had_by_hand(self):
        page = (HERE / "docs/reference/release.md").read_text()
        command = page.split("```console elsewhere\n$ ")[1].split("```")[0].replace("\n$ ", "\n")
        statement = json.loads((self.attested / "provenance.json").read_text())
        digests = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
        said = must("bash", "-c", command.replace("SYSTEM", self.contents["hosts"]["prod"]["system"]))
        self.assertEqual(said.split()[0], digests["hosts/prod"])

    def test_an_image_is_verified(self):
        self.assertEqual(self.image, f"{self.repository}@{self.digest}")
        said = must("verify-image", self.image, "--key", self.public, "--insecure", "--commit", self.commit)
        self.assertIn(f"image: {self.digest}\n", said)
        self.assertIn(f"commit: {self.commit}\n", said)

    def test_the_registry_has_the_layouts_own_bytes(self):
        manifest = (self.release / "image/blobs" / self.digest.replace(":", "/")).read_bytes()
        self.assertEqual(self.registry.blob(self.digest).read_bytes(), manifest)
        tags = json.load(urllib.request.urlopen(f"http://{self.registry.name}/v2/wordtally/tags/list", timeout=10))[
            "tags"
        ]
        self.assertIn(f"{self.contents['version']}-{self.commit[:12]}", tags)

    def test_a_second_run_adds_nothing_to_the_registry(self):
        before = self.registry.manifests()
        self.assertEqual(self.publish(self.repository), self.image)
        again = self.scratch / "again"
        must("attest", self.release, again, "--image", self.image, "--insecure", cwd=self.clone, env=self.signing)
        self.assertEqual(self.registry.manifests(), before)

    def test_the_provenance_names_what_it_is_of(self):
        statement = json.loads((self.attested / "provenance.json").read_text())
        names = {subject["name"] for subject in statement["subject"]}
        hosts = {f"hosts/{host}" for host in self.contents["hosts"]}
        self.assertEqual(names, {"image", "package", "release.json", "sbom.cdx.json"} | hosts)
        dependencies = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
        hashes = {d["annotations"]["narHash"] for d in dependencies if "annotations" in d}
        self.assertEqual(hashes, set(self.contents["inputs"].values()))

    def test_in_ci_the_provenance_names_the_job(self):
        job = {
            "CI_JOB_URL": "https://gitlab.example.com/wordtally/-/jobs/7",
            "CI_SERVER_URL": "https://gitlab.example.com",
            "CI_RUNNER_ID": "12",
            "CI_PROJECT_URL": "https://gitlab.example.com/wordtally",
            "CI_PIPELINE_CREATED_AT": "2026-01-02T03:04:05Z",
            "CI_COMMIT_REF_NAME": "v0.1.0",
            "CI_COMMIT_SHA": self.commit,
        }
        output = self.scratch / "in-ci"
        must("attest", self.release, output, cwd=self.clone, env=self.signing | job)
        predicate = json.loads((output / "provenance.json").read_text())["predicate"]
        self.assertEqual(
            predicate["buildDefinition"]["externalParameters"],
            {"commit": self.commit, "ref": "v0.1.0", "repository": "https://gitlab.example.com/wordtally"},
        )
        self.assertEqual(predicate["runDetails"]["builder"]["id"], "https://gitlab.example.com/-/runners/12")
        self.assertEqual(predicate["runDetails"]["metadata"]["invocationId"], job["CI_JOB_URL"])
        self.assertEqual(predicate["runDetails"]["metadata"]["startedOn"], "2026-01-02T03:04:05Z")

    def test_cosign_alone_verifies_it_too(self):
        for name in ["release.json", "sbom.cdx.json"]:
            must(
                "cosign", "verify-blob-attestation", f"--key={self.public}", "--insecure-ignore-tlog", "--type=slsaprovenance1",
                f"--bundle={self.attested / BUNDLE}", self.attested / name,
            )  # fmt: skip

    def test_a_pipeline_names_the_repository_once(self):
        """The digest is the release's own, and plain HTTP the environment's."""
        repository = f"{self.registry.name}/pipeline"
        plain = {"INSECURE_REGISTRY": "1"}
        image = must("publish", self.release, repository, cwd=self.clone, env=plain).splitlines()[-1]
        must(
            "attest",
            self.release,
            self.scratch / "pipeline",
            "--image",
            repository,
            cwd=self.clone,
            env=self.signing | plain,
        )
        must("verify-image", image, "--key", self.public, env=plain)

    # What `attest` wrote, altered.

    def test_a_changed_release_is_refused(self):
        attested = self.copy(self.attested, "attested")
        self.alter(attested / "release.json", lambda release: release.update(version="0.1.1"))
        self.verify_refused("release.json is not what was signed", attested)

    def test_a_replaced_system_is_refused(self):
        attested = self.copy(self.attested, "attested")
        hosts = self.contents["hosts"]
        self.alter(
            attested / "release.json", lambda release: release["hosts"]["prod"].update(system=hosts["dev"]["system"])
        )
        self.verify_refused("release.json is not what was signed", attested, "--host", "prod")

    def test_a_changed_bill_of_materials_is_refused(self):
        attested = self.copy(self.attested, "attested")
        self.alter(attested / "sbom.cdx.json", lambda bill: bill["components"].pop())
        self.verify_refused("sbom.cdx.json is not what was signed", attested)

    def test_a_changed_provenance_is_refused(self):
        attested = self.copy(self.attested, "attested")
        self.alter(attested / "provenance.json", lambda statement: statement["subject"].pop())
        self.verify_refused("provenance.json is not what was signed", attested)

    def test_a_changed_statement_in_the_bundle_is_refused(self):
        attested = self.copy(self.attested, "attested")
        self.alter(attested / "provenance.json", lambda statement: statement["predicate"]["runDetails"].clear())
        payload = base64.b64encode((attested / "provenance.json").read_bytes()).decode()
        self.alter(attested / BUNDLE, lambda bundle: bundle["dsseEnvelope"].update(payload=payload))
        self.verify_refused(f"{BUNDLE} is no provenance signed by {self.public}", attested)

    def test_another_key_is_refused(self):
        output = self.scratch / "by-another"
        must("attest", self.release, output, cwd=self.clone, env=self.signer("theirs"))
        self.verify_refused(f"{BUNDLE} is no provenance signed by {self.public}", output)

    def test_a_missing_file_is_refused(self):
        attested = self.copy(self.attested, "attested")
        (attested / BUNDLE).unlink()
        self.verify_refused(f"{BUNDLE} cannot be read", attested)

    def test_another_commit_is_refused(self):
        self.verify_refused(
            f"the release is of commit {self.commit}, not of {'0' * 40}", self.attested, "--commit", "0" * 40
        )

    # A statement that was signed, and does not fit.

    def test_a_system_that_is_not_what_was_signed_is_refused(self):
        def swap(statement):
            by_name = {subject["name"]: subject for subject in statement["subject"]}
            by_name["hosts/prod"]["digest"] = by_name["hosts/dev"]["digest"]

        self.verify_refused("hosts/prod is not what was signed", self.signed(swap), "--host", "prod")

    def test_another_image_in_the_release_is_refused(self):
        def other(statement):
            next(s for s in statement["subject"] if s["name"] == "image")["digest"]["sha256"] = "0" * 64

        self.verify_refused("image is not what was signed", self.signed(other))

    def test_a_release_of_another_commit_is_refused(self):
        def other(statement):
            definition = statement["predicate"]["buildDefinition"]
            definition["externalParameters"]["commit"] = "1" * 40
            definition["resolvedDependencies"][0]["digest"]["gitCommit"] = "1" * 40

        self.verify_refused(f"the release was built from commit {self.commit}", self.signed(other))

    def test_a_provenance_that_contradicts_itself_is_refused(self):
        def other(statement):
            statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"]["gitCommit"] = "1" * 40

        self.verify_refused("the provenance contradicts itself", self.signed(other))

    def test_another_kind_of_build_is_refused(self):
        def other(statement):
            statement["predicate"]["buildDefinition"]["buildType"] = "https://example.com/by-hand"

        self.verify_refused("another kind of build: https://example.com/by-hand", self.signed(other))

    def test_another_kind_of_statement_is_refused(self):
        def other(statement):
            statement["predicateType"] = "https://cyclonedx.org/bom"

        self.verify_refused(f"{BUNDLE} is no provenance signed by {self.public}", self.signed(other))

    def test_a_system_that_is_not_in_the_store_is_refused(self):
        missing = "/nix/store/00000000000000000000000000000000-nixos-system-prod"
        attested = self.copy(self.attested, "attested")
        self.alter(attested / "release.json", lambda release: release["hosts"]["prod"].update(system=missing))
        digest = hashlib.sha256((attested / "release.json").read_bytes()).hexdigest()

        def other(statement):
            next(s for s in statement["subject"] if s["name"] == "release.json")["digest"]["sha256"] = digest

        signed = self.signed(other)
        shutil.copyfile(attested / "release.json", signed / "release.json")
        self.verify_refused(f"{missing} is not in this machine's store", signed, "--host", "prod")

    def test_a_host_that_is_none_is_refused(self):
        self.verify_refused("the release has no host staging: it has", self.attested, "--host", "staging")

    # The image.

    def elsewhere(self, name, **attest):
        """The same image in a repository of its own, signed or not."""
        image = self.publish(f"{self.registry.name}/{name}")
        if attest:
            output = pathlib.Path(tempfile.mkdtemp(dir=self.scratch)) / "attested"
            must("attest", self.release, output, "--image", image, "--insecure", cwd=self.clone, **attest)
        return image

    def test_an_unsigned_image_is_refused(self):
        self.image_refused("is not signed by", self.elsewhere("unsigned"))

    def test_an_image_signed_by_another_is_refused(self):
        self.image_refused("is not signed by", self.elsewhere("another", env=self.signer("theirs")))

    def attach(self, image, kind, predicate):
        must(
            "cosign", "attest", f"--key={self.scratch / 'ours.key'}", *SIGN, "--allow-http-registry", f"--type={kind}",
            f"--predicate={predicate}", image, given=b"a password",
        )  # fmt: skip

    def test_an_attestation_is_no_signature(self):
        image = self.elsewhere("attestation-only")
        self.attach(image, "cyclonedx", self.attested / "sbom.cdx.json")
        self.image_refused("it has attestations only", image)

    def sign(self, image):
        must(
            "cosign",
            "sign",
            f"--key={self.scratch / 'ours.key'}",
            *SIGN,
            "--allow-http-registry",
            image,
            given=b"a password",
        )

    def test_an_image_without_provenance_is_refused(self):
        image = self.elsewhere("no-provenance")
        self.sign(image)
        self.image_refused("has no slsaprovenance1 attestation", image)

    def test_an_image_without_a_bill_of_materials_is_refused(self):
        image = self.elsewhere("no-bill")
        self.sign(image)
        predicate = self.scratch / "predicate"
        predicate.write_text(json.dumps(json.loads((self.attested / "provenance.json").read_text())["predicate"]))
        self.attach(image, "slsaprovenance1", predicate)
        self.image_refused("has no cyclonedx attestation", image)

    def test_an_image_of_another_commit_is_refused(self):
        self.image_refused(
            f"the release is of commit {self.commit}, not of {'0' * 40}", self.image, "--commit", "0" * 40
        )

    def test_a_tag_is_refused(self):
        self.image_refused("is no image by digest", f"{self.repository}:{self.contents['version']}")
        self.image_refused("is no image by digest", f"{self.repository}:tag@{self.digest}")

    def test_another_image_under_the_same_tag_is_refused(self):
        other = self.copy(self.release, "other")
        index = json.loads((other / "image/index.json").read_text())
        blobs = other / "image/blobs/sha256"
        manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
        manifest["annotations"] = {"by": "another"}
        content = json.dumps(manifest).encode()
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        index["manifests"][0].update(digest=f"sha256:{digest}", size=len(content))
        (other / "image/index.json").write_text(json.dumps(index))
        tag = f"{self.repository}:{self.contents['version']}-{self.commit[:12]}"
        must(
            "skopeo",
            "--insecure-policy",
            "copy",
            "--quiet",
            "--preserve-digests",
            "--dest-tls-verify=false",
            f"oci:{other}/image",
            f"docker://{tag}",
        )
        self.image_refused("is not signed by", f"{self.repository}@sha256:{digest}")
        # What was vouched for is still what it was.
        must("verify-image", self.image, "--key", self.public, "--insecure")

    @contextlib.contextmanager
    def one_byte_changed(self, digest):
        """In the registry's own storage."""
        file = self.registry.blob(digest)
        whole = file.read_bytes()
        middle = len(whole) // 2
        file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        try:
            yield
        finally:
            file.write_bytes(whole)

    def test_a_changed_byte_of_a_layer_or_the_manifest_is_refused(self):
        manifest = json.loads((self.release / "image/blobs" / self.digest.replace(":", "/")).read_text())
        for digest in [*(layer["digest"] for layer in manifest["layers"]), manifest["config"]["digest"], self.digest]:
            with self.subTest(digest), self.one_byte_changed(digest):
                self.image_refused("is not there, or not what its digest says", self.image)

    # Who may not sign, and what may not be signed.

    def test_the_placeholder_is_refused(self):
        self.refused("release/cosign.pub is a placeholder", "verify-release", self.attested)
        self.refused("release/cosign.pub is a placeholder", "verify-image", self.image, "--insecure")

    def test_a_file_that_is_no_key_is_refused(self):
        self.refused("is no public key", "verify-release", self.attested, "--key", self.scratch / "password")

    def attest_refused(self, sentence, *more, release=None, env=None):
        output = pathlib.Path(tempfile.mkdtemp(dir=self.scratch)) / "attested"
        self.refused(
            sentence, "attest", release or self.release, output, *more, env=self.signing if env is None else env
        )
        self.assertFalse(output.exists())

    def test_no_key_is_refused(self):
        self.attest_refused("$COSIGN_KEY names no file", env={})

    def test_a_wrong_password_is_refused(self):
        wrong = self.scratch / "wrong"
        wrong.write_text("another")
        self.attest_refused("decryption failed", env=self.signing | {"COSIGN_PASSWORD_FILE": str(wrong)})

    def test_a_changed_tree_is_refused(self):
        readme = self.clone / "README.md"
        whole = readme.read_bytes()
        readme.write_bytes(whole + b"\n")
        self.addCleanup(readme.write_bytes, whole)
        self.attest_refused(f"README.md differs from commit {self.commit}")
        self.refused(
            f"README.md differs from commit {self.commit}", "publish", self.release, self.repository, "--insecure"
        )

    def test_a_release_of_another_revision_is_not_vouched_for(self):
        other = self.copy(self.release, "other")
        for revision in ["1" * 40, f"{self.commit}-dirty"]:
            self.alter(other / "release.json", lambda release: release.update(revision=revision))
            self.attest_refused(f"the release was built from commit {revision}", release=other)

    def test_a_release_of_an_unknown_revision_is_refused(self):
        unknown = self.copy(self.release, "unknown")
        self.alter(unknown / "release.json", lambda release: release.update(revision="unknown"))
        sentence = "the release was built from commit unknown"
        self.attest_refused(sentence, release=unknown)
        self.refused(sentence, "publish", unknown, self.repository, "--insecure")

        def other(statement):
            statement["predicate"]["buildDefinition"]["internalParameters"]["revision"] = "unknown"

        self.verify_refused(sentence, self.signed(other))

    def test_ci_of_another_commit_is_refused(self):
        self.attest_refused("and $CI_COMMIT_SHA is", env=self.signing | {"CI_COMMIT_SHA": "1" * 40})

    def test_another_image_is_not_vouched_for(self):
        self.attest_refused(
            "is not this release's image", "--image", f"{self.repository}@sha256:{'0' * 64}", "--insecure"
        )

    def test_what_was_written_is_not_written_over(self):
        self.refused("is there already", "attest", self.release, self.attested, env=self.signing)

    def test_plain_http_is_for_the_loopback(self):
        for repository in [
            "registry.example.com/wordtally",
            "127.0.0.1.example.com/wordtally",
            "10.0.0.1:5000/wordtally",
        ]:
            sentence = "are for a registry on the loopback"
            self.refused(sentence, "publish", self.release, repository, "--insecure")
            self.refused(sentence, "publish", self.release, repository, env={"INSECURE_REGISTRY": "1"})
            self.image_refused(sentence, f"{repository}@{self.digest}")
            self.attest_refused(sentence, "--image", f"{repository}@{self.digest}", "--insecure")

    def test_an_image_is_published_without_a_tag_of_the_callers(self):
        self.refused("is no repository", "publish", self.release, f"{self.repository}:latest", "--insecure")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("test_release: give the folder that `nix build .#release` made")
    unittest.main(argv=sys.argv[:1])
