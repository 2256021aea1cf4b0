"""Make or update the one comment on a pull request: what `action.yml` calls last.

    python comment.py COMPARISON.md JUNIT.xml

The comment is found again by the watermark on its first line, among those of the same author.
Variables of the environment: GH_TOKEN, for `gh`; PULL_REQUEST, its number; EXIT_CODE, that of
`paperbench verify`; ARTIFACT, what tells this job from others on the same pull request;
GITHUB_REPOSITORY, GITHUB_SERVER_URL and GITHUB_RUN_ID, as Actions sets them.
It ends with exit code 0 whatever becomes of the comment: no verdict hangs on it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

MOST_CHARACTERS = 60_000  # GitHub takes 65,536
WORDS = {
    "0": "no claim is other than expected",
    "1": "a claim is not as expected",
    "2": "the call or a claim file is not valid, so nothing was judged",
    "3": "a run errored",
    "4": "a claim is undecided",
    "5": "no claim was selected, so nothing was judged",
    "6": "a claim is not the one that was locked, so nothing was judged",
}


class Refused(Exception):
    """`gh` is not there, or may not do what it was asked."""


def watermark() -> str:
    """The first line of this job's comment: two jobs do not overwrite what the other found."""
    job = re.sub(r"\W+", "-", os.environ.get("ARTIFACT") or "paperbench").strip("-")
    return f"<!-- paperbench: comment{'' if job == 'paperbench' else f' {job}'} -->"


def counted(junit: Path) -> str | None:
    """`2 of 3 claims as expected, 1 undecided`; None where the file does not say so.

    Exit code 0 alone says less: an undecided claim and one that is only read have it too.
    """
    try:
        cases = list(ElementTree.parse(junit).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return None
    types = [case[0].get("type", "") if len(case) else "" for case in cases]
    judged = [found for found in types if found != "READING"]
    if not judged:
        return "no claim was judged: these are read only"
    good = sum(found in ("", "EXPECTED") for found in (text.split(" ")[0] for text in judged))
    undecided = judged.count("INCONCLUSIVE")
    claims = "claim" if len(judged) == 1 else "claims"
    return f"{good} of {len(judged)} {claims} as expected" + (
        f", {undecided} undecided" if undecided else ""
    )


def comment_body(exit_code: str, comparison: str, url: str, counts: str | None = None) -> str:
    """The whole comment, no longer than GitHub takes; it calls nobody by their name."""
    said = WORDS.get(exit_code, f"`paperbench verify` ended with exit code {exit_code or '?'}")
    if exit_code == "0" and counts:
        said = counts
    head = f"{watermark()}\n## paperbench: {said}\n\n"
    foot = f"\n\n[The job, with the site and all verdicts in its artifact]({url})\n"
    text = comparison.strip() or "There is no comparison with the base."
    text = text.replace("@", "@\u200b")  # a mention that is none
    room = MOST_CHARACTERS - len(head) - len(foot)
    if len(text) > room:
        lines = text[: room - 200].splitlines()[:-1]  # no half row
        if "\n".join(lines).count("<details>") > "\n".join(lines).count("</details>"):
            lines += ["", "</details>"]
        text = "\n".join([*lines, "", "The rest is in the artifact."])
    return f"{head}{text}{foot}"


def publish(repository: str, number: str, body: str) -> str:
    """Write the comment where it belongs; return what was done."""
    comments = f"repos/{repository}/issues/{number}/comments"
    me = _gh("graphql", "--raw-field", "query={viewer{login}}")[0]["data"]["viewer"]["login"]
    pages = _gh("--paginate", f"{comments}?per_page=100")
    for comment in (comment for page in pages for comment in page):
        author = (comment["user"] or {}).get("login")  # none where the account is gone
        if author == me and (comment["body"] or "").startswith(watermark()):
            mine = f"repos/{repository}/issues/comments/{comment['id']}"
            _gh("--method", "PATCH", mine, "--input", "-", body=body)
            return "updated the comment"
    _gh("--method", "POST", comments, "--input", "-", body=body)
    return "made a comment"


def _gh(*arguments: str, body: str | None = None) -> list[Any]:
    """The JSON documents that `gh api` prints, one a page. Raises Refused."""
    sent = None if body is None else json.dumps({"body": body})
    try:
        reply = subprocess.run(
            ["gh", "api", *arguments], input=sent, capture_output=True, text=True, encoding="utf-8"
        )
    except OSError as broken:
        raise Refused(f"gh cannot be called: {broken.strerror}") from None
    if reply.returncode != 0:
        raise Refused(" ".join(reply.stderr.split()) or f"gh ended with {reply.returncode}")
    documents, rest = [], reply.stdout.strip()
    while rest:
        document, end = json.JSONDecoder().raw_decode(rest)
        documents.append(document)
        rest = rest[end:].strip()
    return documents


def main() -> None:
    """Read the environment, write the comment, say what was done."""
    page = Path(sys.argv[1])
    repository = os.environ["GITHUB_REPOSITORY"]
    url = (
        f"{os.environ['GITHUB_SERVER_URL']}/{repository}/actions/runs/{os.environ['GITHUB_RUN_ID']}"
    )
    comparison = page.read_text(encoding="utf-8") if page.is_file() else ""
    counts = counted(Path(sys.argv[2])) if len(sys.argv) > 2 else None
    body = comment_body(os.environ.get("EXIT_CODE", ""), comparison, url, counts)
    try:
        print(publish(repository, os.environ["PULL_REQUEST"], body))
    except Refused as refused:
        print(f"no comment was made, which needs `pull-requests: write`: {refused}")
    except (ValueError, KeyError, IndexError, TypeError) as strange:
        print(f"no comment was made: gh answered strangely: {strange!r}")


if __name__ == "__main__":
    main()
