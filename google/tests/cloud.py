"""Emulates Google's APIs for the calls that google/grant-access makes, on a free port of the loopback.

It keeps state like Google: a missing resource is a 404, an existing one is a 409, and so is a policy that was changed
in the meantime. A request that Google's own description of the API does not contain is recorded in `refused`.
"""

import base64
import copy
import http.server
import json
import re
import threading
import urllib.parse
from collections.abc import Callable

from discovery import Interface, Json, Query, Refused

TOKEN = "ya29.of-the-administrator"
NUMBER = "123456789012"
# The key of gcloud's configuration that directs each API here, and the API's version.
INTERFACES = {
    "artifactregistry": "artifactregistry.v1",
    "bigquery": "bigquery.v2",
    "cloudresourcemanager": "cloudresourcemanager.v1",
    "iam": "iam.v1",
    "serviceusage": "serviceusage.v1",
    "storage": "storage.v1",
}
GRANT = re.compile(r"GRANT `roles/bigquery\.dataViewer` ON SCHEMA `([^`]+)`\.`([^`]+)` TO \"serviceAccount:([^\"]+)\"")


# The parts of a path, the last value of each parameter, and the request's body.
Handler = Callable[["Google", list[str], dict[str, str], Json], Json]


class Answer(Exception):
    """An error with Google's own message."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.body = {
            "error": {
                "code": code,
                "status": status,
                "message": message,
                "errors": [{"message": message, "reason": status}],
            }
        }


def not_found(what: str) -> Answer:
    return Answer(404, "NOT_FOUND", f"{what} does not exist.")


class Google(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock = threading.Lock()
        self.interfaces = {name: Interface(version) for name, version in INTERFACES.items()}
        self.calls: list[str] = []
        self.refused: list[str] = []
        # Entries of others, which must remain.
        theirs = {"role": "roles/viewer", "members": ["user:theirs@example.com"]}
        self.policies: dict[str, Json] = {f"projects/{name}": policy(theirs) for name in ("my-project", "my-data")}
        self.services = {"my-project": {"artifactregistry.googleapis.com", "storage.googleapis.com"}}
        self.accounts: dict[str, Json] = {}
        self.unknown_yet: set[str] = set()
        self.datasets: dict[tuple[str, str], Json] = {
            ("my-data", "shakespeare"): {
                "kind": "bigquery#dataset",
                "id": "my-data:shakespeare",
                "location": "EU",
                "datasetReference": {"projectId": "my-data", "datasetId": "shakespeare"},
                "access": [{"role": "OWNER", "specialGroup": "projectOwners"}],
            }
        }
        self.jobs: dict[str, Json] = {}
        self.pools: dict[str, Json] = {}
        self.providers: dict[str, Json] = {}
        for resource in (REPOSITORY, BUCKET):
            self.policies[resource] = policy(theirs)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def bindings(self) -> set[tuple[str, ...]]:
        """All grants except those that existed before: resource, role, member."""
        found = {
            (resource, binding["role"], member, str(binding.get("condition")))
            for resource, kept in self.policies.items()
            for binding in kept["bindings"]
            for member in binding["members"]
        }
        found |= {
            (f"datasets/{'.'.join(name)}", entry["role"], entry["userByEmail"], "None")
            for name, dataset in self.datasets.items()
            for entry in dataset["access"]
            if "userByEmail" in entry
        }
        return {grant[:3] if grant[3] == "None" else grant for grant in found if "theirs@" not in grant[2]}

    def changes(self) -> list[str]:
        """The calls so far that may have changed something."""
        return [name for name in self.calls if not name.rsplit(".", 1)[1].startswith(("get", "list"))]

    def answer(self, interface: str, verb: str, path: str, query: Query, body: Json | None) -> Json:
        method, parts = self.interfaces[interface].method(verb, path)
        self.interfaces[interface].check(method, query, body)
        self.calls.append(method["id"])
        handler = HANDLERS.get(method["id"])
        if handler is None:
            raise Refused(f"{method['id']}: grant-access is not known to need it")
        return handler(self, list(parts.values()), {name: values[-1] for name, values in query.items()}, body or {})

    def get_policy(self, resource: str) -> Json:
        if resource not in self.policies:
            raise not_found(resource)
        return self.policies[resource]

    def set_policy(self, resource: str, new: Json) -> Json:
        old = self.get_policy(resource)
        if new.get("etag") != old["etag"]:
            raise Answer(409, "ABORTED", "There were concurrent policy changes. Please retry.")
        # A policy that has lost its last grant is sent without bindings.
        bindings = new.get("bindings", [])
        for binding in bindings:
            for member in binding["members"]:
                self.known(member)
        self.policies[resource] = copy.deepcopy(new) | {"bindings": bindings, "etag": etag(old)}
        return self.policies[resource]

    def known(self, member: str) -> None:
        email = member.removeprefix("serviceAccount:")
        if email == member:
            return
        # The first account that was created is not visible everywhere at once.
        if email in self.unknown_yet or email not in self.accounts:
            self.unknown_yet.discard(email)
            raise Answer(400, "INVALID_ARGUMENT", f"Service account {email} does not exist.")

    def iam_is_on(self, project: str) -> None:
        if "iam.googleapis.com" not in self.services[project]:
            raise Answer(
                403,
                "PERMISSION_DENIED",
                "Identity and Access Management (IAM) API has not been used in this project before or it is disabled.",
            )


REPOSITORY = "projects/my-project/locations/europe-west1/repositories/wordtally"
BUCKET = "buckets/my-cache"


def policy(*bindings: Json) -> Json:
    return {"version": 1, "etag": "BwAAAAAAAAA=", "bindings": [copy.deepcopy(binding) for binding in bindings]}


def etag(old: Json) -> str:
    """The next etag. Clients decode it, so it must be canonical base64."""
    return base64.b64encode((int.from_bytes(base64.b64decode(old["etag"])) + 1).to_bytes(8)).decode()


def project(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    if f"projects/{parts[0]}" not in google.policies:
        raise Answer(403, "PERMISSION_DENIED", "The caller does not have permission")
    return {"projectId": parts[0], "projectNumber": NUMBER, "lifecycleState": "ACTIVE"}


def list_services(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    return {
        "services": [
            {"name": f"projects/{NUMBER}/services/{name}", "config": {"name": name}, "state": "ENABLED"}
            for name in sorted(google.services[parts[1]])
        ]
    }


def enable(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    google.services[parts[1]] |= set(body["serviceIds"])
    return {"name": "operations/acat.p2-1-1", "done": True, "response": {}}


def list_accounts(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    google.iam_is_on(parts[0])
    return {
        "accounts": [
            {"name": f"projects/{parts[0]}/serviceAccounts/{email}", "email": email} for email in google.accounts
        ]
    }


def create_account(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    google.iam_is_on(parts[0])
    name, email = body["accountId"], f"{body['accountId']}@{parts[0]}.iam.gserviceaccount.com"
    if email in google.accounts:
        raise Answer(
            409, "ALREADY_EXISTS", f"Service account {name} already exists within project projects/{parts[0]}."
        )
    if not re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", name):
        raise Answer(400, "INVALID_ARGUMENT", f"{name} is not an account id")
    google.accounts[email] = body.get("serviceAccount", {})
    if len(google.accounts) == 1:
        google.unknown_yet.add(email)
    google.policies[f"serviceAccounts/{email}"] = policy()
    return {"name": f"projects/{parts[0]}/serviceAccounts/{email}", "email": email}


def list_pools(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    google.iam_is_on(parts[0])
    return {"workloadIdentityPools": list(google.pools.values())}


def create_pool(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    google.iam_is_on(parts[0])
    name = query["workloadIdentityPoolId"]
    if name in google.pools:
        raise Answer(409, "ALREADY_EXISTS", "Requested entity already exists")
    if len(body.get("displayName", "")) > 32:
        raise Answer(400, "INVALID_ARGUMENT", "The display name has more than 32 characters")
    full = f"projects/{NUMBER}/locations/global/workloadIdentityPools/{name}"
    google.pools[name] = {"name": full, "state": "ACTIVE"} | body
    return {"name": f"{full}/operations/1", "done": False}


def delete_pool(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    pool = google.pools[parts[2]]
    pool["state"] = "DELETED"
    return {"name": f"{pool['name']}/operations/3", "done": False}


def list_providers(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    if parts[2] not in google.pools:
        raise not_found(parts[2])
    return {"workloadIdentityPoolProviders": list(google.providers.values())}


def create_provider(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    name = query["workloadIdentityPoolProviderId"]
    if name in google.providers:
        raise Answer(409, "ALREADY_EXISTS", "Requested entity already exists")
    if parts[2] not in google.pools:
        raise not_found(parts[2])
    full = f"{google.pools[parts[2]]['name']}/providers/{name}"
    google.providers[name] = {"name": full, "state": "ACTIVE"} | body
    return {"name": f"{full}/operations/1", "done": False}


def patch_provider(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    provider = google.providers[parts[3]]
    for field in query["updateMask"].split(","):
        *parents, last = field.split(".")
        target, source = provider, body
        for name in parents:
            target, source = target[name], source.get(name, {})
        # An empty value is not set.
        if source.get(last):
            target[last] = source[last]
        else:
            target.pop(last, None)
    return {"name": f"{provider['name']}/operations/2", "done": False}


def get_dataset(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    project, dataset = parts
    if (project, dataset) not in google.datasets:
        raise Answer(404, "notFound", f"Not found: Dataset {project}:{dataset}")
    return google.datasets[project, dataset]


def insert_job(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    """Handles a GRANT on a dataset, which is then listed as BigQuery lists it."""
    settings, reference = body["configuration"], {"location": "EU", "jobId": "grant"} | body.get("jobReference", {})
    match = GRANT.fullmatch(settings["query"]["query"])
    if settings["query"]["useLegacySql"] or not match:
        raise Answer(400, "invalidQuery", "Syntax error")
    name, data, email = parts[0], google.datasets.get((match[1], match[2])), match[3]
    if data is None or reference["location"] != data["location"]:
        raise Answer(
            404,
            "notFound",
            f"Not found: Dataset {match[1]}:{match[2]} was not found in location {reference['location']}",
        )
    google.known(f"serviceAccount:{email}")
    entry = {"role": "READER", "userByEmail": email}
    if entry not in data["access"]:
        data["access"].append(entry)
    job = {
        "kind": "bigquery#job",
        "id": f"{name}:EU.{reference['jobId']}",
        "jobReference": reference | {"projectId": name},
        "configuration": settings,
        "status": {"state": "DONE"},
        "statistics": {
            "query": {"statementType": "GRANT", "totalBytesProcessed": "0"},
            "creationTime": "1",
            "startTime": "1",
            "endTime": "2",
        },
    }
    google.jobs[reference["jobId"]] = job
    return job


def results(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
    job = google.jobs[parts[1]]
    return {
        "kind": "bigquery#getQueryResultsResponse",
        "jobComplete": True,
        "jobReference": job["jobReference"],
        "totalRows": "0",
    }


def policies(name_of: Callable[[list[str]], str]) -> tuple[Handler, Handler]:
    def get(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
        return google.get_policy(name_of(parts))

    def set_(google: Google, parts: list[str], query: dict[str, str], body: Json) -> Json:
        # Cloud Storage expects the policy itself.
        return google.set_policy(name_of(parts), body.get("policy", body))

    return get, set_


of_project = policies(lambda parts: f"projects/{parts[0]}")
of_account = policies(lambda parts: f"serviceAccounts/{parts[1]}")
of_repository = policies(lambda parts: "projects/{}/locations/{}/repositories/{}".format(*parts))
of_bucket = policies(lambda parts: f"buckets/{parts[0]}")
POOLS = "iam.projects.locations.workloadIdentityPools"

HANDLERS: dict[str, Handler] = {
    "cloudresourcemanager.projects.get": project,
    "cloudresourcemanager.projects.getIamPolicy": of_project[0],
    "cloudresourcemanager.projects.setIamPolicy": of_project[1],
    "serviceusage.services.list": list_services,
    "serviceusage.services.batchEnable": enable,
    "iam.projects.serviceAccounts.list": list_accounts,
    "iam.projects.serviceAccounts.create": create_account,
    "iam.projects.serviceAccounts.getIamPolicy": of_account[0],
    "iam.projects.serviceAccounts.setIamPolicy": of_account[1],
    f"{POOLS}.list": list_pools,
    f"{POOLS}.create": create_pool,
    f"{POOLS}.delete": delete_pool,
    f"{POOLS}.providers.list": list_providers,
    f"{POOLS}.providers.create": create_provider,
    f"{POOLS}.providers.patch": patch_provider,
    "artifactregistry.projects.locations.repositories.getIamPolicy": of_repository[0],
    "artifactregistry.projects.locations.repositories.setIamPolicy": of_repository[1],
    "storage.buckets.getIamPolicy": of_bucket[0],
    "storage.buckets.setIamPolicy": of_bucket[1],
    "bigquery.datasets.get": get_dataset,
    "bigquery.jobs.insert": insert_job,
    "bigquery.jobs.getQueryResults": results,
}


class Request(http.server.BaseHTTPRequestHandler):
    timeout = 20
    protocol_version = "HTTP/1.1"
    server: Google

    def do(self) -> None:
        google, address = self.server, urllib.parse.urlsplit(self.path)
        # bq requests the API's description, and accepts no path in the address.
        interface, path = (
            ("bigquery", address.path[1:])
            if address.path.startswith(("/bigquery/", "/$discovery/"))
            else address.path[1:].split("/", 1)
        )
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with google.lock:
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise Answer(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
                if path == "$discovery/rest":
                    code, body = 200, google.interfaces[interface].document | {"rootUrl": f"{google.url}/"}
                else:
                    code, body = (
                        200,
                        google.answer(
                            interface,
                            self.command,
                            path,
                            urllib.parse.parse_qs(address.query, keep_blank_values=True),
                            json.loads(sent) if sent else None,
                        ),
                    )
            except Answer as answer:
                code, body = answer.code, answer.body
            except Refused as reason:
                google.refused.append(str(reason))
                code, body = 400, Answer(400, "INVALID_ARGUMENT", str(reason)).body
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

    def log_message(self, *arguments: object) -> None:
        pass
