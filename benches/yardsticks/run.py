"""Applications of one tenant, saved by three programs: Entragit, IntuneCD, and a script as people write it.

    python run.py ENTRAGIT [COUNT]

Start it with a Python that has what `requirements.txt` names and IntuneCD 2.6.0. It starts the embedded tenant, puts COUNT
applications (20,000) into it, of which every tenth has a name that the others of its sort share, and lets the three read
them one after the other. Lost is an application that no file holds.
"""

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

TENANT = "5f3c8f0e-5d0c-4d6b-9c57-2f6d1c3b7a10"
SHARED_NAME = "Expense report"


def token(url):
    form = urllib.parse.urlencode(
        {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": f"{url}/.default"}
    )
    with urllib.request.urlopen(f"{url}/{TENANT}/oauth2/v2.0/token", form.encode()) as reply:
        return json.load(reply)["access_token"]


def fill(url, count):
    bearer = token(url)
    names = [SHARED_NAME if number % 10 == 0 else f"Application {number}" for number in range(count)]
    for start in range(0, count, 20):
        requests = [
            {
                "id": str(at),
                "method": "POST",
                "url": "/applications",
                "headers": {"content-type": "application/json"},
                "body": {"displayName": name, "web": {"redirectUris": [f"https://app{start + at}.example.com/signin"]}},
            }
            for at, name in enumerate(names[start : start + 20])
        ]
        headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
        body = json.dumps({"requests": requests}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{url}/v1.0/$batch", body, headers)) as reply:
            failed = [one for one in json.load(reply)["responses"] if one["status"] != 201]
            assert not failed, failed[:1]


def intunecd(url, folder):
    """IntuneCD's own backup of applications; only the host is ours, and the path without the old alias of the tenant."""
    from IntuneCD.backup.Entra.Applications import ApplicationsBackupModule

    module = ApplicationsBackupModule(path=folder, filetype="yaml", token={"access_token": token(url)}, exclude=["assignments"])
    module.endpoint = url
    module.CONFIG_ENDPOINT = "/v1.0/applications"
    module.main()
    git(folder)


def script(url, folder):
    """Microsoft's SDK, page after page, one YAML file per object, and a commit."""
    from azure.core.credentials import AccessToken
    from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph_core.authentication import AzureIdentityAuthenticationProvider

    class Ready:
        def get_token(self, *_scopes, **_options):
            return AccessToken(token(url), int(time.time()) + 3600)

    host = urllib.parse.urlsplit(url).hostname
    provider = AzureIdentityAuthenticationProvider(Ready(), scopes=["https://graph.microsoft.com/.default"], allowed_hosts=[host])
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = f"{url}/v1.0"
    client = GraphServiceClient(request_adapter=adapter)

    async def save():
        page = await client.applications.get()
        while True:
            for application in page.value:
                writer = JsonSerializationWriter()
                application.serialize(writer)
                plain = json.loads(writer.get_serialized_content())
                plain["id"] = application.id
                Path(folder, f"{application.id}.yaml").write_text(yaml.safe_dump(plain))
            if not page.odata_next_link:
                return
            page = await client.applications.with_url(page.odata_next_link).get()

    asyncio.run(save())
    git(folder)


def git(folder):
    for arguments in (["init", "-q"], ["add", "-A"], ["-c", "user.name=Bench", "-c", "user.email=b@localhost", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", folder, *arguments], check=True)


def files(folder):
    listed = subprocess.run(["git", "-C", folder, "ls-files"], check=True, capture_output=True, text=True).stdout
    return sum(name.endswith(".yaml") and "manifest" not in name and "entragit" not in name for name in listed.splitlines())


def measured(command, environment=None):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
    # The largest child so far: ours is the smallest, and goes first.
    return time.monotonic() - start, max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024


def main(program, count):
    server = subprocess.Popen(
        [program, "emulate", "--listen", "127.0.0.1:0", "--seed", "empty", "--tenant", TENANT], stdout=subprocess.PIPE, text=True
    )
    try:
        url = re.search(r"http://[\d.]+:\d+", server.stdout.readline())[0]
        fill(url, count)
        results = {}
        with tempfile.TemporaryDirectory() as folder:
            ours = {"ENTRAGIT_GRAPH_URL": url, "ENTRAGIT_AUTHORITY_URL": url, "AZURE_CLIENT_ID": "a", "AZURE_CLIENT_SECRET": "b"}
            at = f"{folder}/entragit"
            measured([program, "init", "--repo", at, "--tenant", TENANT], ours)
            taken = measured([program, "export", "--repo", at, "--kind", "application"], ours)
            subprocess.run(["git", "-C", at, "reset", "-q", "--hard"], check=True)
            results["entragit"] = (*taken, files(at))
            for name in ("script", "intunecd"):
                at = f"{folder}/{name}"
                os.mkdir(at)
                results[name] = (*measured([sys.executable, __file__, "--only", name, url, at]), files(at))
        print(f"{count} applications")
        print(f"{'':10} {'seconds':>8} {'× ours':>7} {'MB':>6} {'files':>7} {'lost':>6}")
        for name, (seconds, megabytes, saved) in results.items():
            ratio = seconds / results["entragit"][0]
            print(f"{name:10} {seconds:8.1f} {ratio:7.1f} {megabytes:6} {saved:7} {count - saved:6}")
    finally:
        server.terminate()


if __name__ == "__main__":
    if sys.argv[1] == "--only":
        {"intunecd": intunecd, "script": script}[sys.argv[2]](*sys.argv[3:])
    else:
        main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20_000)
