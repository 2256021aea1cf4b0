"""The interactive charts of a paper's page, in a browser, on a made-up recording."""


def test_a_page_opens_and_its_complaints_are_heard(visit, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><html lang=en><title>t</title><main><h1>Hello</h1><img src=x.png></main>"
        "<script>console.error('one'); throw new Error('two')</script></html>"
    )
    seen = visit(path, width=375)
    assert [line for line in seen.errors if line in ("one", "two")] == ["one", "two"]
    assert any("image-alt" in line for line in seen.findings())
    assert seen.overhang() == 0
    assert not seen.beyond_disk()
    seen.errors.clear()
