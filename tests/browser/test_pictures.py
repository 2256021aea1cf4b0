"""The committed pictures as a browser draws them: nothing that is to be read is cut off."""

from pathlib import Path

import paperbench

RESULTS = Path(paperbench.__file__).parents[1] / "results"
# The texts that reach over the edge of their picture.
OUTSIDE = """() => [...document.querySelectorAll("svg")].flatMap((svg) => {
  const page = svg.getBoundingClientRect();
  const leaves = (text) => {
    const box = text.getBoundingClientRect();
    return box.width > 0 && (box.left < page.left || box.right > page.right
      || box.top < page.top || box.bottom > page.bottom);
  };
  return [...svg.querySelectorAll("g[id^=text_]")].filter(leaves)
    .map((text) => `${svg.parentElement.title}: ${text.innerHTML.match(/<!--(.*?)-->/s)?.[1]}`);
})"""
CUT = """<svg viewBox="0 0 100 20" width="100" height="20">
<g id="text_1"><!--whole--><path d="M 40 5 h 20 v 10 h -20 z"/></g>
<g id="text_2"><!--cut--><path d="M 90 5 h 11 v 10 h -11 z"/></g></svg>"""


def outside(visit, folder, pictures):
    """What leaves its picture, of pictures (name -> SVG) that are on one page together."""
    shown = [
        f'<div title="{name}">{svg[svg.index("<svg") :]}</div>' for name, svg in pictures.items()
    ]
    page = folder / "pictures.html"
    page.write_text("<!doctype html><meta charset=utf-8>" + "".join(shown), encoding="utf-8")
    return visit(page).page.evaluate(OUTSIDE)


def test_no_text_of_a_committed_picture_is_cut_off(visit, tmp_path):
    paths = sorted(RESULTS.glob("*/figures/*/*.svg"))
    pictures = {f"{each.parent.name}/{each.stem}": each.read_text("utf-8") for each in paths}
    assert all('id="text_' in svg for svg in pictures.values())
    assert pictures
    assert outside(visit, tmp_path, pictures) == []


def test_text_that_is_cut_off_is_found(visit, tmp_path):
    assert outside(visit, tmp_path, {"made up": CUT}) == ["made up: cut"]
