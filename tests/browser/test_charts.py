"""The interactive charts of a paper's page, in a browser, on made-up recordings."""

import base64
import json
import re
import shutil
from pathlib import Path

import pytest
from patience import expect

import paperbench

SITE = Path(paperbench.__file__).parent / "report" / "site"
STATIC = SITE / "static"
# The page's own scripts, in its order.
PAGE = (SITE / "templates" / "paper.html").read_text(encoding="utf-8")
SCRIPTS = re.findall(r'src="{{ root }}(assets/[a-z_]+\.js)"', PAGE)
HOSTILE = "<img src=x onerror=alert(1)>"
LIGHT = "--ink: #1c1e21; --ink-soft: #5a5f6a; --paper: #fff; --panel: #f3f4f6; --accent: #1a5fb4;"
DARK = "--ink: #e8eaee; --ink-soft: #a3a9b5; --paper: #14161a; --panel: #1d2026; --accent: #79b0f2;"


def arm(*runs, control_of=None, name="a"):
    """An entry of a recording; each run is (curves, attention)."""
    by_seed = {
        str(seed): {"key": f"{seed:064x}", "curves": curves, "attention": attention}
        for seed, (curves, attention) in enumerate(runs)
    }
    return {"control_of": control_of, "arm": name, "runs": by_seed}


def kept(rows, *, queries, keys, heads=1, decay=None, name="a sentence"):
    """An attention example of one layer; rows are bytes, head after head."""
    return {
        "name": name,
        "caption": f"Caption of {name}.",
        "queries": queries,
        "keys": keys,
        "shape": [1, heads, len(queries), len(keys)],
        "weights": base64.b64encode(bytes(sum(rows, []))).decode(),
        "decay": None if decay is None else base64.b64encode(bytes(sum(decay, []))).decode(),
    }


# Two seeds that recorded at different steps: at step 10 the second lies half-way, at 4.
FOX = [{"loss": [[0, 10, 20], [4.0, 2.0, 1.0]]}, {"loss": [[0, 20], [6.0, 2.0]]}]
CURVES = {
    "fox": arm((FOX[0], []), (FOX[1], []), name="fox"),
    "base": arm(({"loss": [[0, 10, 20], [1000.0, 100.0, 10.0]], "gain": [[5], [-1.0]]}, [])),
    "fox of claim": arm(({"loss": [[0, 20], [5.0, 5.0]]}, []), control_of="claim", name="fox"),
}

TOKENS = ["the", "cat", "."]
FADED = [[255, 0, 0], [51, 204, 0], [0, 102, 153]]
DECAY = [[255, 0, 0], [51, 255, 0], [2, 51, 255]]
EVEN = [[255, 0, 0], [128, 127, 0], [85, 85, 85]]
ATTENTION = {
    "fox": arm(({}, [kept(FADED, queries=TOKENS, keys=TOKENS, decay=DECAY)]), name="fox"),
    "base": arm(({}, [kept(EVEN, queries=TOKENS, keys=TOKENS)])),
}
TWO_HEADS = [[255, 0], [0, 255], [51, 204], [204, 51]]


@pytest.fixture
def charts(visit, tmp_path):
    """Opens a page with the sections of the given experiments, and nothing else."""

    def opened(experiments, *, kinds=("curves", "attention"), **how):
        shutil.copytree(STATIC, tmp_path / "assets", dirs_exist_ok=True)
        recording = json.dumps({"schema_version": 1, "experiments": experiments})
        sections = "".join(
            f'<h2>{kind} {i}</h2><section class="{kind}" data-source="there" '
            f'data-experiment="{name.replace("<", "&lt;")}"></section>'
            for i, name in enumerate(experiments)
            for kind in kinds
        )
        scripts = "".join(f'<script defer src="{script}"></script>' for script in SCRIPTS)
        (tmp_path / "page.html").write_text(
            "<!doctype html><html lang=en><meta charset=utf-8><title>Charts</title>"
            '<meta name=viewport content="width=device-width">'
            f"<link rel=stylesheet href=assets/charts.css>{scripts}<style>"
            f":root {{ {LIGHT} --series-1: rgb(1, 2, 3) }} body {{ background: var(--paper);"
            " color: var(--ink) }"
            f"@media (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}</style>"
            f"<main><h1>Charts</h1>{sections}<section class=curves data-source=absent "
            'data-experiment=x></section><script type="application/json" id="there">'
            f"{recording.replace('<', chr(92) + 'u003c')}</script></main></html>",
            encoding="utf-8",
        )
        return visit(tmp_path / "page.html", **how)

    return opened


def shades(page, panel=0):
    """How much each token of a panel is shaded, from 0 to 1."""
    tokens = page.locator(".attention-arm").nth(panel).locator(".tokens").last.locator(".token")
    return tokens.evaluate_all(
        "nodes => nodes.map(node => Number(node.style.getPropertyValue('--shade')))"
    )


def ticks(page, axis):
    """The names of an axis's ticks with their places in pixels."""
    place = "'y'" if axis == "y" else "'x'"
    return page.locator(f".chart-{axis}-tick").evaluate_all(
        f"nodes => nodes.map(n => [n.textContent, Number(n.getAttribute({place}))])"
    )


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def test_the_crosshair_tells_mean_and_range_over_seeds_that_recorded_at_other_steps(charts):
    page = charts({"text": CURVES}, kinds=["curves"]).page
    button(page, "base").click()
    page.locator(".chart-frame").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".chart-live")).to_have_text("Step 10: fox 3 (2 to 4).")
    expect(page.locator(".chart-tip")).to_have_text("step 10fox32 to 4")
    page.keyboard.press("End")
    expect(page.locator(".chart-live")).to_have_text("Step 20: fox 1.5 (1 to 2).")
    page.keyboard.press("Escape")
    expect(page.locator(".chart-tip")).to_be_hidden()


def test_pointing_moves_the_crosshair_to_the_nearest_step(charts):
    page = charts({"text": CURVES}, kinds=["curves"]).page
    frame = page.locator(".chart-frame")
    x = dict(ticks(page, "x"))
    frame.hover(position={"x": x["10"] + 20, "y": 100})
    expect(page.locator(".chart-tip p")).to_have_text("step 10")
    assert float(page.locator(".chart-cross line").get_attribute("x1")) == pytest.approx(x["10"])
    rows = page.locator(".chart-tip tr")  # as they lie, from the top
    expect(rows).to_have_text(["base100one seed", "fox32 to 4"])
    page.mouse.move(0, 0)
    expect(page.locator(".chart-tip")).to_be_hidden()


def test_arms_are_switched_on_and_off_and_controls_wait_dashed(charts):
    page = charts({"text": CURVES}, kinds=["curves"]).page

    def drawn():
        return page.locator(".chart-line").evaluate_all("nodes => nodes.map(n => n.dataset.arm)")

    assert drawn() == ["fox", "base"]
    expect(button(page, "fox of claim")).to_have_attribute("aria-pressed", "false")
    button(page, "fox of claim").press("Enter")
    button(page, "base").click()
    expect(button(page, "base")).to_have_attribute("aria-pressed", "false")
    assert drawn() == ["fox", "fox of claim"]
    dashes = page.locator(".chart-mean").evaluate_all(
        "nodes => nodes.map(n => n.getAttribute('stroke-dasharray'))"
    )
    assert dashes[0] is None
    assert dashes[1]
    strokes = page.locator(".chart-mean").evaluate_all(
        "nodes => nodes.map(n => getComputedStyle(n).stroke)"
    )
    assert strokes == ["rgb(1, 2, 3)", "rgb(1, 2, 3)"]  # the page's, and the control has its arm's
    button(page, "fox of claim").click()
    button(page, "fox").click()
    expect(page.locator(".chart-frame")).to_contain_text("No arm is shown.")
    assert drawn() == []


def test_a_control_says_what_it_alters_where_that_is_known(charts):
    known = {**CURVES["fox of claim"], "alters": "gate=open"}
    arms = {**CURVES, "fox of claim": known, "base of b": CURVES["fox of claim"]}
    page = charts({"text": arms}).page
    assert button(page, "fox of claim").first.get_attribute("title") == "fox with gate=open"
    for name in ("fox", "base of b"):
        assert button(page, name).first.get_attribute("title") is None


def test_logarithmic_values_set_the_decades_evenly_apart(charts):
    page = charts({"text": CURVES}, kinds=["curves"]).page
    button(page, "fox").click()
    names = page.locator(".chart-y-tick")
    expect(names).to_have_text(["0", "200", "400", "600", "800", "1000"])
    page.get_by_label("Logarithmic values").check()
    expect(names.first).not_to_have_text("0")
    logarithmic = dict(ticks(page, "y"))
    assert {"10", "100", "1000"} <= set(logarithmic)
    gaps = [
        logarithmic["10"] - logarithmic["100"],
        logarithmic["100"] - logarithmic["1000"],
        2 * (logarithmic["10"] - logarithmic["100"]),
    ]
    assert gaps[0] == pytest.approx(gaps[1])
    assert gaps[0] > 50


def test_logarithmic_values_are_refused_where_one_is_not_above_zero(charts):
    page = charts({"text": CURVES}, kinds=["curves"]).page
    page.get_by_label("Logarithmic values").check()
    button(page, "gain").click()
    expect(page.get_by_label("Logarithmic values")).to_be_disabled()
    expect(page.get_by_label("Logarithmic values")).not_to_be_checked()
    expect(page.locator(".chart-note").first).to_contain_text("some are not above zero")
    button(page, "loss").click()
    expect(page.get_by_label("Logarithmic values")).to_be_enabled()


def test_logarithmic_steps_leave_out_step_0_and_say_so(charts):
    page = charts({"text": CURVES}, kinds=["curves"]).page
    expect(page.locator(".chart-x-tick").first).to_have_text("0")
    page.get_by_label("Logarithmic steps").check()
    expect(page.locator(".chart-x-tick").first).to_have_text("10")
    expect(page.locator(".chart-note").first).to_contain_text("Step 0 is left out.")
    page.locator(".chart-frame").focus()
    page.keyboard.press("Home")
    expect(page.locator(".chart-tip p")).to_have_text("step 10")


def test_single_seeds_stand_in_for_the_band(charts):
    page = charts({"text": CURVES}, kinds=["curves"]).page
    bands, seeds = page.locator(".chart-band"), page.locator(".chart-seed")
    expect(bands).to_have_count(1)  # an arm of one seed has no band
    expect(seeds).to_have_count(0)
    page.get_by_label("Single seeds").check()
    expect(seeds).to_have_count(3)
    expect(bands).to_have_count(0)


def test_the_end_values_are_a_table_too(charts):
    page = charts({"text": CURVES}, kinds=["curves"]).page
    page.locator(".chart-table summary").click()
    expect(page.locator(".chart-table table")).to_be_visible()
    rows = [row.split("\t") for row in page.locator(".chart-table tbody tr").all_inner_texts()]
    assert ["loss", "fox", "20", "2", "1.5", "1", "2"] in rows
    assert ["gain", "base", "5", "1", "−1", "−1", "−1"] in rows


def test_a_run_that_diverged_is_drawn_to_its_last_number(charts):
    broken = arm(({"loss": [[0, 10, 20], [1.0, 2.0, None]]}, []), (FOX[0], []))
    page = charts({"text": {"a": broken}}, kinds=["curves"]).page
    page.locator(".chart-frame").focus()
    page.keyboard.press("End")
    expect(page.locator(".chart-live")).to_have_text("Step 20: a 1 (one seed of 2).")
    page.locator(".chart-table summary").click()
    expect(page.locator(".chart-table table")).to_be_visible()
    row = page.locator(".chart-table tbody tr").inner_text().split("\t")
    assert row == ["loss", "a", "10 to 20", "2", "1.5", "1", "2"]


def test_the_chart_follows_the_width_of_its_place(charts):
    page = charts({"text": CURVES}, kinds=["curves"]).page
    width = "document.querySelector('.chart-frame svg').clientWidth"
    assert page.evaluate(width) > 1000
    page.set_viewport_size({"width": 500, "height": 800})
    page.wait_for_function(f"{width} > 400 && {width} < 500")


@pytest.mark.parametrize(("arms", "rows"), [(2, [2]), (3, [3]), (4, [2, 2])])
def test_four_arms_stand_two_by_two(charts, arms, rows):
    four = {f"arm-{i}": ATTENTION["base"] for i in range(arms)}
    page = charts({"text": four}, kinds=["attention"], width=1280).page
    tops = [panel.bounding_box()["y"] for panel in page.locator(".attention-arm").all()]
    assert [tops.count(top) for top in sorted(set(tops))] == rows


def test_a_token_shades_the_keys_by_its_weights_in_all_arms(charts):
    page = charts({"text": ATTENTION}, kinds=["attention"]).page
    page.locator(".attention-arm").first.locator(".token", has_text="cat").hover()
    said = ["“cat” → “cat” 0.80, “the” 0.20", "“cat” → “the” 0.50, “cat” 0.50"]
    expect(page.locator(".attention-readout")).to_have_text(said)
    assert shades(page, 0) == pytest.approx([51 / 255, 204 / 255, 0], abs=1e-4)
    assert shades(page, 1) == pytest.approx([128 / 255, 127 / 255, 0], abs=1e-4)
    titles = page.locator(".attention-arm figcaption")
    expect(titles).to_have_text(["fox seed 0", "base seed 0"])
    opaque = page.locator(".heat-cells").first.locator("path")
    expect(opaque).to_have_count(len({byte for row in FADED for byte in row} - {0}))
    alpha = page.locator(".token[aria-current=true] + .token").first.evaluate(
        "node => getComputedStyle(node).backgroundColor"
    )
    assert alpha.endswith(("/ 0)", ", 0)"))  # what is not attended to has no background


def test_tokens_are_walked_with_the_arrow_keys_and_name_their_keys(charts):
    page = charts({"text": ATTENTION}, kinds=["attention"]).page
    tokens = page.locator(".attention-arm").first.locator(".token")
    assert [token.get_attribute("tabindex") for token in tokens.all()] == ["-1", "-1", "0"]
    tokens.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(tokens.nth(1)).to_be_focused()
    label = "cat, query 2 of 3: “cat” 0.80, “the” 0.20"
    expect(tokens.nth(1)).to_have_attribute("aria-label", label)
    assert [token.get_attribute("tabindex") for token in tokens.all()] == ["-1", "0", "-1"]
    page.keyboard.press("Home")
    expect(tokens.first).to_have_attribute("aria-current", "true")
    assert shades(page) == [1, 0, 0]


def test_a_cell_of_the_heat_map_names_query_key_and_weight(charts):
    page = charts({"text": ATTENTION}, kinds=["attention"]).page
    area = page.locator(".heat-area").first.bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + area["height"] * 0.9)
    # Divided by its decay, 0.4 is 2, of 2 + 0.6: the first key's decay is too small to divide by.
    said = [": weight 0.40, decay 0.20, without decay 0.77", ": weight 0.33"]
    readouts = page.locator(".attention-readout")
    expect(readouts).to_have_text([f"“.” → “cat”{each}" for each in said])
    page.locator(".heat-frame").first.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    said = "fox: “cat” → “the”: weight 0.20, decay 0.20, without decay 0.56; base:"
    expect(page.locator(".attention .chart-live")).to_have_text(re.compile(f"^{re.escape(said)}"))


def test_decay_can_be_looked_at_alone_and_divided_out(charts):
    page = charts({"text": ATTENTION}, kinds=["attention"]).page
    button(page, "decay").click()
    expect(button(page, "decay")).to_have_attribute("aria-pressed", "true")
    assert shades(page, 0) == pytest.approx([2 / 255, 51 / 255, 1], abs=1e-4)
    button(page, "weights without decay").click()
    expect(page.locator(".attention-readout").first).to_have_text("“.” → “cat” 0.77, “.” 0.23")
    assert shades(page, 1) == pytest.approx([1 / 3] * 3, abs=1e-3)  # no decay: its weights
    expect(page.locator(".heat-cells .heat-untold")).to_have_count(1)  # its decay is stored as 2


def test_heads_are_chosen_in_the_overview_and_queries_need_not_be_keys(charts):
    example = kept(TWO_HEADS, queries=["der", "Hund"], keys=["the", "dog"], heads=2)
    page = charts({"text": {"a": arm(({}, [example]))}}, kinds=["attention"]).page
    assert shades(page) == [1, 0]
    thumbnails = page.locator(".heads button")
    expect(thumbnails).to_have_count(2)
    thumbnails.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(thumbnails.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(button(page, "2")).to_have_attribute("aria-pressed", "true")
    assert shades(page) == pytest.approx([51 / 204, 1], abs=1e-4)
    second = button(page, "Hund, query 2 of 2: “the” 0.80, “dog” 0.20")
    second.hover()
    expect(second).to_have_attribute("aria-current", "true")
    assert shades(page) == pytest.approx([1, 51 / 204], abs=1e-4)


def test_an_arm_with_fewer_heads_shows_its_last_and_shared_examples_come_first(charts):
    two = kept(TWO_HEADS, queries=["a", "b"], keys=["c", "d"], heads=2, name="shared")
    one = kept([[0, 255], [255, 0]], queries=["a", "b"], keys=["c", "d"], name="shared")
    own = kept([[255, 0], [0, 255]], queries=["a", "b"], keys=["c", "d"], name="alone")
    arms = {"fox": arm(({}, [own, two]), name="fox"), "base": arm(({}, [one]))}
    page = charts({"text": arms}, kinds=["attention"]).page
    expect(button(page, "shared")).to_have_attribute("aria-pressed", "true")
    button(page, "layer 1, head 2").click()
    page.locator(".attention-arm").first.locator(".token").first.hover()
    expect(page.locator(".attention-readout")).to_have_text(
        ["“a” → “d” 0.80, “c” 0.20", "“a” → “d” 1.00"]
    )


def test_examples_are_chosen_by_name(charts):
    other = kept(EVEN, queries=["x", "y", " "], keys=["x", "y", " "], name="other")
    first = ATTENTION["base"]["runs"]["0"]["attention"][0]
    page = charts({"text": {"a": arm(({}, [first, other]))}}, kinds=["attention"]).page
    button(page, "other").click()
    expect(page.locator(".attention .chart-note").first).to_have_text("Caption of other.")
    expect(page.locator(".token")).to_have_text(["x", "y", "␣"])


def test_sixty_four_tokens_fit_a_phone_without_moving_the_page(charts):
    tokens = [f"token-{i}" for i in range(64)]
    rows = [[255 // (i + 1) if j <= i else 0 for j in range(64)] for i in range(64)]
    example = kept(rows, queries=tokens, keys=tokens)
    long = {**CURVES, "a-very-long-name-of-an-arm-" * 4: arm(({"loss": [[1], [2]]}, [example]))}
    seen = charts({"text": long}, width=375)
    expect(seen.page.locator(".heat-area")).to_have_count(1)
    assert seen.overhang() == 0
    assert 0 < seen.page.locator(".heat-frame").bounding_box()["width"] < 375


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_serious_is_found_by_the_accessibility_check(charts, dark):
    experiment = {**CURVES, **{f"{name}+": entry for name, entry in ATTENTION.items()}}
    seen = charts({"text": experiment}, dark=dark)
    button(seen.page, "fox of claim").click()
    seen.page.locator(".chart-table summary").click()
    seen.page.locator(".token").first.hover()
    assert seen.findings() == []


def test_names_and_tokens_stay_text(charts):
    example = kept(EVEN, queries=[HOSTILE] * 3, keys=[HOSTILE] * 3, name=HOSTILE)
    entry = arm(({HOSTILE: [[0, 1], [1, 2]]}, [example]), control_of=None)
    seen = charts({HOSTILE: {HOSTILE: entry, "constructor": entry}})
    expect(seen.page.locator("img")).to_have_count(0)
    assert button(seen.page, HOSTILE).first.is_visible()
    expect(seen.page.locator(".token").first).to_have_text(HOSTILE)


def test_what_is_absent_or_damaged_is_a_sentence_and_the_rest_is_drawn(charts):
    short = kept(EVEN, queries=TOKENS, keys=TOKENS)
    short["weights"] = short["weights"][:8]
    seen = charts({"bad": {"a": arm(({}, [short]))}, "good": {**CURVES, **ATTENTION}})
    notes = seen.page.locator("section > .chart-note:only-child").all_text_contents()
    assert notes == [
        "No curves were recorded.",  # of the first experiment
        "This recording cannot be shown: 6 weights, not 9",
        "No curves were recorded.",  # of the section whose recordings are not in the page
    ]
    expect(seen.page.locator(".heat-area")).to_have_count(2)
    assert any("6 weights, not 9" in line for line in seen.errors)
    seen.errors.clear()
