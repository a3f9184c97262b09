"""Identities other than service accounts with keys: a user, a workload of another cloud, and this machine itself."""

import hashlib
import json
import time

from google.auth import crypt, jwt

from standin import DATASET, PROJECT, Json, Standin, email

CLIENT, SECRET, REFRESH_TOKEN = "the-client", "the-client-secret", "the-refresh-token"
POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci"
AUDIENCE = f"{POOL}/providers/builds"
ISSUER = "https://ci.example.com"
PERSON = "person@example.com"


def policy(standin: Standin) -> Json:
    """Their part of the IAM file: all may query, but the accounts as which they act have no keys."""
    standin.account("issuer", known=False)
    issuer = json.loads((standin.folder / "issuer.iam.json").read_text())["serviceAccounts"][0]
    members = [
        f"user:{PERSON}",
        f"principalSet:{POOL}/*",
        f"serviceAccount:{email('target')}",
        f"serviceAccount:{email('machine')}",
    ]
    return {
        "serviceAccounts": [
            {
                "email": email("target"),
                "project": PROJECT,
                "tokenCreators": [f"serviceAccount:{email('no-reader')}", f"principalSet:{POOL}/*"],
            },
            {"email": email("machine"), "project": PROJECT},
        ],
        "users": [
            {
                "email": PERSON,
                "clientId": CLIENT,
                "clientSecretSha256": sha256(SECRET),
                "refreshTokenSha256": [sha256(REFRESH_TOKEN)],
            }
        ],
        "workloadIdentityProviders": [{"audience": AUDIENCE, "issuer": ISSUER, "publicKeys": issuer["publicKeys"]}],
        "metadata": {"email": email("machine"), "project": PROJECT},
        "projects": {PROJECT: {"roles/bigquery.jobUser": members}},
        "datasets": {DATASET: {"roles/bigquery.dataViewer": members}},
    }


def authorized_user(refresh_token: str = REFRESH_TOKEN) -> Json:
    return {"type": "authorized_user", "client_id": CLIENT, "client_secret": SECRET, "refresh_token": refresh_token}


def external_account(standin: Standin, **more: object) -> Json:
    """The file that `gcloud iam workload-identity-pools create-cred-config` writes, and its subject's token."""
    signer = crypt.RSASigner.from_service_account_file(standin.folder / "issuer.json")
    claims = {
        "iss": ISSUER,
        "aud": f"https:{AUDIENCE}",
        "sub": "build",
        "iat": int(time.time()),
        "exp": int(time.time()) + 600,
    }
    subject = standin.folder / "subject-token"
    subject.write_bytes(jwt.encode(signer, claims))
    return {
        "type": "external_account",
        "audience": AUDIENCE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(subject)},
        **more,
    }


def impersonation_url() -> str:
    return f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{email('target')}:generateAccessToken"


def impersonated(source: Json) -> Json:
    return {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": impersonation_url(),
        "source_credentials": source,
    }


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
