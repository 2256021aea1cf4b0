import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from paperbench.lab import Corpus, Run
from paperbench.papers.word2vec.corpus import (
    cooccurrences,
    halves,
    keep_probability,
    noise_distribution,
    pair_batches,
    read_once,
    skip_grams,
    tokenise,
)
from paperbench.papers.word2vec.crossed import N_ASKED, N_FORMS, draw_crossed
from paperbench.papers.word2vec.evaluation import (
    Judgements,
    answer_analogies,
    judge,
    read_judgements,
    shortcuts,
)
from paperbench.papers.word2vec.experiments import embedding, factorisation, optimum, subsampling
from paperbench.papers.word2vec.factorisation import (
    correlation,
    expected_weights,
    factorise,
    main_effects,
    shifted_pmi,
    smoothed_pmi,
)
from paperbench.papers.word2vec.model import SkipGram, expected_loss, sampled_loss


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_model(n_words=7, d_model=4, dtype=torch.float64):
    model = SkipGram(n_words, d_model).to(dtype)
    with torch.no_grad():
        for each in model.parameters():
            each.copy_(torch.randn(each.shape, generator=generator(n_words), dtype=dtype))
    return model


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def random_counts(n_words=7, seed=0, lowest=1):
    return torch.randint(lowest, 30, (n_words, n_words), generator=generator(seed)).double()


def loss_by_hand(model, word, context, noise):
    """Equation 1 with loops, and the gradients that the authors' program applies."""
    w, c = (each.detach().numpy() for each in model.parameters())
    loss, grad_w, grad_c = 0.0, np.zeros_like(w), np.zeros_like(c)
    for i, j, others in zip(word.tolist(), context.tolist(), noise.tolist(), strict=True):
        for other, label in [(j, 1), *((n, 0) for n in others)]:
            p = sigmoid(w[i] @ c[other])
            loss -= math.log(p if label else 1 - p)
            grad_w[i] += (p - label) * c[other]
            grad_c[other] += (p - label) * w[i]
    return loss / len(word), grad_w / len(word), grad_c / len(word)


def test_the_loss_and_its_gradients_are_those_of_the_paper_pair_by_pair():
    model = random_model()
    batch = (
        torch.tensor([0, 3, 3]),
        torch.tensor([1, 3, 2]),
        torch.tensor([[4, 5], [3, 3], [0, 6]]),
    )
    loss = sampled_loss(model, batch)
    loss.backward()
    value, grad_w, grad_c = loss_by_hand(model, *batch)
    assert loss.item() == pytest.approx(value)
    np.testing.assert_allclose(model.words.grad, grad_w, atol=1e-12)
    np.testing.assert_allclose(model.contexts.grad, grad_c, atol=1e-12)


@pytest.mark.parametrize("k", [1, 3])
def test_the_expected_loss_is_the_mean_of_the_sampled_one(k):
    """Enumerated: every pair of the table, and every draw of k noise words."""
    n_words = 4
    model, counts = random_model(n_words), random_counts(n_words)
    noise = noise_distribution(counts.sum(0), 0.75)
    mean = torch.zeros((), dtype=torch.float64)
    for i, j in itertools.product(range(n_words), repeat=2):
        for drawn in itertools.product(range(n_words), repeat=k):
            batch = (torch.tensor([i]), torch.tensor([j]), torch.tensor([drawn]))
            mean = mean + counts[i, j] * noise[list(drawn)].prod() * sampled_loss(model, batch)
    expected = expected_loss(model, expected_weights(counts, noise, k))
    torch.testing.assert_close(expected, mean)
    gradients = (torch.autograd.grad(each, model.parameters()) for each in (expected, mean))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_solver_that_knows_no_table_finds_the_shifted_pmi():
    counts = random_counts(4)
    noise = noise_distribution(counts.sum(0), 0.6)
    seen, expected = (each.numpy().ravel() for each in expected_weights(counts, noise, 5))

    def loss(x):
        p = 1 / (1 + np.exp(-x))
        return -(seen * np.log(p) + expected * np.log(1 - p)).sum(), (seen + expected) * p - seen

    found = minimize(loss, np.zeros(16), jac=True, method="L-BFGS-B", options={"ftol": 1e-15}).x
    torch.testing.assert_close(
        torch.tensor(found).view(4, 4), shifted_pmi(counts, noise, 5), atol=1e-3, rtol=0
    )


def test_for_unigram_noise_the_shift_is_log_k_for_every_pair():
    counts = random_counts()
    unigram = noise_distribution(counts.sum(0), 1.0)
    pmi = (counts * counts.sum() / counts.sum(1, keepdim=True) / counts.sum(0)).log()
    torch.testing.assert_close(shifted_pmi(counts, unigram, 5), pmi - math.log(5))
    other = shifted_pmi(counts, noise_distribution(counts.sum(0), 0.75), 5) - pmi
    assert other.std() > 0.01  # with another exponent it is each context's own


def test_the_gradient_vanishes_there_and_not_at_pmi_itself():
    right, wrong = (optimum(Run(seed=0), n_instances=8, shift=shift) for shift in ("noise", "none"))
    assert 0 < right["largest_gradient"] < 1e-13
    assert wrong["largest_gradient"] > 1e-3


def test_a_factorisation_of_full_rank_is_the_table_and_of_a_lower_one_the_best():
    table = torch.randn(6, 6, generator=generator(), dtype=torch.float64)
    words, contexts = factorise(table, 6)
    torch.testing.assert_close(words @ contexts.mT, table)
    torch.testing.assert_close(words.square().sum(0), contexts.square().sum(0))
    words, contexts = factorise(table, 2)
    left = torch.linalg.svdvals(table)[2:].square().sum()  # Eckart and Young
    torch.testing.assert_close((table - words @ contexts.mT).square().sum(), left)


def test_pmi_is_smoothed_by_half_an_occurrence():
    counts = torch.tensor([[8.0, 0.0], [2.0, 10.0]], dtype=torch.float64)
    pmi, expected = smoothed_pmi(counts)
    assert expected[0, 1].item() == pytest.approx(8 * 10 / 20)
    assert pmi[0, 1].item() == pytest.approx(math.log(0.5 / 4.5))


def test_main_effects_are_the_means_of_what_is_chosen():
    table = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    cells = torch.tensor([[True, True], [True, False]])
    assert main_effects(table, cells).tolist() == [[1.5 + 2, 1.5 + 2], [3 + 2, 3 + 2]]


def test_words_start_small_and_contexts_at_zero():
    model = Run(seed=0).build(lambda: SkipGram(50, 10))
    assert 0.045 < model.words.abs().max() <= 0.05
    assert not model.contexts.any()
    torch.testing.assert_close(model.every_score(), torch.zeros(50, 50))


def in_sentences(words, length=1000):
    words = torch.as_tensor(words)
    return torch.stack([words, torch.arange(len(words)) // length], 1)


def pairs_by_hand(ids, reach, length):
    """What the authors' program goes through: every token and its neighbours."""
    return Counter(
        (ids[i], ids[j])
        for i in range(len(ids))
        for j in range(max(0, i - reach[i]), min(len(ids), i + reach[i] + 1))
        if i != j and i // length == j // length
    )


@pytest.mark.parametrize("length", [9, 4])
def test_skip_grams_are_each_token_with_all_that_it_reaches_in_its_sentence(length):
    ids = [3, 1, 4, 1, 5, 9, 2, 6, 5]
    pairs = skip_grams(in_sentences(ids, length), 3, generator(4))
    reach = torch.randint(1, 4, (len(ids),), generator=generator(4)).tolist()
    assert Counter(map(tuple, pairs.tolist())) == pairs_by_hand(ids, reach, length)


def test_a_text_shorter_than_the_window_has_the_pairs_it_has():
    assert len(skip_grams(in_sentences([0, 1]), 5, generator())) == 2


def test_the_table_is_the_mean_of_the_pairs_over_many_readings():
    tokens = in_sentences(torch.randint(5, (40,), generator=generator()), 8)
    found, n = torch.zeros(25), 3000
    g = generator(1)
    for _ in range(n):
        found += (skip_grams(tokens, 4, g) @ torch.tensor([5, 1])).bincount(minlength=25)
    expected = cooccurrences(tokens, 5, 4)
    torch.testing.assert_close(expected, expected.mT)
    torch.testing.assert_close(found.view(5, 5).double() / n, expected, atol=0.15, rtol=0)


def test_subsampling_keeps_the_square_root_of_the_threshold_over_the_frequency():
    kept = keep_probability(torch.tensor([1e-1, 1e-3, 1e-5]), 1e-3)
    assert kept.tolist() == pytest.approx([0.1, 1, 1])  # 1 - P(discard), equation 5 of the paper


def test_a_reading_leaves_out_tokens_before_it_looks_around():
    tokens = in_sentences([0, 1] * 50)  # 1 is never kept: each 0 meets the next 0
    pairs = read_once(tokens, torch.tensor([1.0, 0.0]), 1, generator())
    assert pairs.unique().tolist() == [0]
    assert len(pairs) == 2 * 49


def test_noise_is_a_power_of_the_counts():
    counts = torch.tensor([16.0, 1.0, 0.0])
    assert noise_distribution(counts, 0.75).tolist() == pytest.approx([8 / 9, 1 / 9, 0])


def test_batches_hold_pairs_of_the_text_and_noise_of_its_distribution():
    tokens = in_sentences([0, 1, 2, 3] * 30)
    noise = torch.tensor([0.5, 0.25, 0.25, 0.0], dtype=torch.float64)
    batches = pair_batches(tokens, keep=None, noise=noise, n_negatives=4, window=1, size=64)
    found = zip(*itertools.islice(batches(generator()), 60), strict=True)
    words, contexts, drawn = (torch.cat(each) for each in found)
    assert ((words - contexts).abs() % 2 == 1).all()
    shares = drawn.flatten().bincount(minlength=4) / drawn.numel()
    torch.testing.assert_close(shares.double(), noise, atol=0.01, rtol=0)


def test_a_corpus_is_read_in_lower_case_each_paragraph_once_and_only_its_frequent_words():
    corpus = Corpus("The cat. The  dog\n\nThe end", "a dog\n\nthe END", "The cat. The dog")
    text = tokenise(corpus, n_words=2)
    assert text.words == ("the", "dog")
    assert text.tokens.tolist() == [[0, 0], [0, 0], [1, 0], [0, 1], [1, 2]]
    assert text.counts.tolist() == [3, 2]
    assert tokenise(corpus, n_words=1).words == ("the",)


def test_halves_share_no_block_and_lose_none():
    first, second = halves(torch.arange(100), 10, generator())
    assert sorted(torch.cat([first, second]).tolist()) == list(range(100))
    assert len(first) == 50
    blocks = {i // 10 for i in first.tolist()}
    assert len(blocks) == 5
    assert blocks != {0, 2, 4, 6, 8}


VECTORS = torch.tensor([[1.0, 0], [1, 1], [0, 1], [-1, 1], [5, 5.1]])


def answer_by_hand(vectors, a, b, c):
    unit = [v / np.linalg.norm(v) for v in vectors.numpy()]
    target = unit[b] - unit[a] + unit[c]
    others = [i for i in range(len(unit)) if i not in (a, b, c)]
    return max(others, key=lambda i: unit[i] @ target)


def test_an_analogy_is_answered_by_the_cosine_and_never_with_a_word_of_the_question():
    vectors = torch.randn(30, 5, generator=generator())
    asked = torch.stack([torch.randperm(30, generator=generator(i))[:3] for i in range(50)])
    answers = answer_analogies(vectors, asked)
    assert answers.tolist() == [answer_by_hand(vectors, *row) for row in asked.tolist()]


def judgement(pairs, scores, questions, vectors=VECTORS, counts=(1000.0, 9, 5, 2, 1)):
    known = (torch.tensor(each) for each in (pairs, scores, questions))
    return judge(vectors, torch.tensor(counts), Judgements(*known))


PAIRS, QUESTION = [[0, 1], [0, 2], [0, 3]], [[0, 1, 2, 3]]


def test_the_accuracy_of_offsets_and_of_shortcuts():
    square = torch.tensor([[1.0, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1], [9, 9, 12]])
    asked = [[0, 1, 2, 3], [0, 2, 1, 3], [0, 1, 2, 4]]
    found = judgement(PAIRS, [3.0, 2.0, 1.0], asked, square)
    assert found["analogy_acc"] == pytest.approx(2 / 3)
    # The nearest to b: 3, 4, 3. To c: 4, 3, 4. To b + c: 4, 4, 4, or 3 where that is as near.
    assert found["nearest_acc"] == pytest.approx(2 / 3)


def test_stem_and_form_need_no_offset_where_the_first_word_is_excluded():
    """Additive vectors: b + c is as near to the first word as to the fourth, and to no other."""
    stems, forms = torch.eye(9).split([6, 3])
    vectors = (stems[:, None] + forms).flatten(0, 1)  # number 3 * stem + form
    vectors = vectors + 0.01 * torch.randn(vectors.shape, generator=generator())
    asked = torch.tensor([[3 * s, 3 * s + 1, 3 * t] for s in range(6) for t in range(6) if s != t])
    fourth = asked[:, 2] + 1
    near_b, near_c, near_both = shortcuts(vectors, asked)
    assert near_both.tolist() == fourth.tolist()
    for answers, column in ((near_b, 1), (near_c, 2)):
        for answer, row in zip(answers.tolist(), asked.tolist(), strict=True):
            unit = [v / np.linalg.norm(v) for v in vectors.numpy()]
            others = [i for i in range(18) if i not in row]
            assert answer == max(others, key=lambda i: unit[i] @ unit[row[column]])


def test_similarity_is_ranked_by_the_cosine_and_the_shortcut_by_the_counts():
    found = judgement(PAIRS, [3.0, 2.0, 1.0], QUESTION)
    assert found["similarity"] == pytest.approx(1)
    assert found["frequency_similarity"] == pytest.approx(1)
    assert judgement(PAIRS, [1.0, 2.0, 3.0], QUESTION)["frequency_similarity"] == pytest.approx(1)


def test_rare_pairs_are_those_with_a_word_of_the_rarer_half():
    pairs = [[0, 1], [0, 2], [0, 3], [1, 3]]  # 3 alone is rarer than the median; cosines -.7 and 0
    found = judgement(pairs, [0.0, 2.0, 1.0, 1.5], QUESTION)
    assert found["rare_similarity"] == pytest.approx(1)
    assert found["similarity"] < 0.5


def test_judgements_are_read_where_all_words_are_known():
    found = read_judgements(
        "Tiger\tcat 7.35\ntiger unicorn 1\ncat dog 5.0",
        ": capitals\nAthens Greece tiger cat\nAthens Greece Oslo Norway",
        ("tiger", "cat", "athens", "greece", "dog"),
    )
    assert found.pairs.tolist() == [[0, 1], [1, 4]]
    assert found.scores.tolist() == pytest.approx([7.35, 5.0])
    assert found.questions.tolist() == [[2, 3, 0, 1]]


def company_of_words(text):
    """How often the words of each sentence stand around the one asked about, without fillers."""
    sentences, n_words = text.tokens[:, 0].view(-1, 11), len(text.words)
    others = torch.cat([sentences[:, :5], sentences[:, 6:]], 1)
    cells = (sentences[:, 5:6] * n_words + others).flatten()
    return cells.bincount(minlength=N_ASKED * n_words).view(N_ASKED, n_words)[:, N_ASKED:-5]


def likeness(counts, pairs):
    shares = counts / counts.sum(1, keepdim=True)
    return (shares[pairs[:, 0]] * shares[pairs[:, 1]]).sqrt().sum(1)


def test_the_crossed_language_is_as_alike_and_as_analogous_as_it_says():
    text, judged = draw_crossed(Run(seed=3), 30_000, 0.2, "crossed")
    company = company_of_words(text)
    torch.testing.assert_close(
        likeness(company, judged.pairs), judged.scores.float(), atol=0.1, rtol=0
    )
    assert judge((company + 0.1).log(), text.counts, judged)["analogy_acc"] > 0.9
    assert len(judged.questions) == 12 * 11 * 5 * 4
    a, b, c, d = judged.questions.unbind(1)
    assert torch.equal(b - a, d - c)
    assert torch.equal(a // N_FORMS, b // N_FORMS)


def test_in_the_language_of_unrelated_forms_there_is_nothing_to_carry_over():
    text, judged = draw_crossed(Run(seed=3), 30_000, 0.2, "unrelated")
    company = company_of_words(text)
    torch.testing.assert_close(
        likeness(company, judged.pairs), judged.scores.float(), atol=0.1, rtol=0
    )
    assert judge((company + 0.1).log(), text.counts, judged)["analogy_acc"] < 0.5


def test_both_languages_have_the_same_stems_and_fillers():
    one, other = (draw_crossed(Run(seed=1), 5000, 0.5, f)[0] for f in ("crossed", "unrelated"))
    torch.testing.assert_close(one.counts[:N_ASKED], other.counts[:N_ASKED])
    assert one.counts[-5:].sum() / 55_000 == pytest.approx(0.5 * 10 / 11, abs=0.01)


def quick(experiment, seed=0, **options):
    name = options.get("data", "python-docs")
    return experiment(Run(seed=seed, data_names=(name,)), **options)


def test_at_full_rank_the_scores_become_the_table():
    options = {"n_words": 30, "d_model": 30, "steps": 300}
    one, five = (quick(factorisation, n_negatives=k, **options) for k in (1, 5))
    assert one["shift"] - five["shift"] == pytest.approx(math.log(5), abs=0.1)
    assert one["shift"] == pytest.approx(0, abs=0.05)


def test_noise_that_is_averaged_shifts_nothing():
    options = {"n_words": 30, "d_model": 30, "steps": 100, "negatives": "averaged"}
    one, five = (quick(factorisation, n_negatives=k, **options) for k in (1, 5))
    assert one["shift"] == five["shift"]


def test_subsampling_and_its_control_leave_as_many_tokens():
    found = {each: quick(subsampling, subsample=each) for each in ("none", "frequent", "uniform")}
    assert found["none"]["rare_pairs"] > 1000
    kept = found["uniform"]["pairs"] / found["frequent"]["pairs"]
    assert kept == pytest.approx(1, abs=0.05)


def test_a_correlation_is_pearson_s():
    one, other = torch.randn(2, 50, generator=generator()).unbind()
    assert correlation(one, 3 * one + other) == pytest.approx(
        np.corrcoef(one, 3 * one + other)[0, 1], abs=1e-6
    )


@pytest.mark.parametrize("method", ["sgns", "svd"])
def test_an_embedding_is_that_of_its_seed(method):
    options = {"data": "crossed", "n_sentences": 50, "steps": 4, "method": method}
    assert quick(embedding, **options) == quick(embedding, **options)
    assert quick(embedding, **options) != quick(embedding, seed=1, **options)


def gensim_model(counts, d_model, vectors, contexts):
    """gensim's skip-gram whose noise is always word 0, with the given vectors."""
    models = pytest.importorskip("gensim.models")
    model = models.Word2Vec(
        vector_size=d_model, sg=1, hs=0, negative=1, window=1, min_count=1, sample=0, workers=1,
        ns_exponent=30.0, alpha=0.1, min_alpha=0.1, seed=1,
    )  # fmt: skip
    model.build_vocab_from_freq(counts)
    model.wv.vectors[:] = vectors
    model.syn1neg[:] = contexts
    return model


def test_one_update_is_that_of_gensim():
    """Words b and c beside each other, and noise that is a: ours is one step of SGD a pair."""
    ours = random_model(3, 6, torch.float32)
    theirs = gensim_model(
        {"a": 1000, "b": 20, "c": 10}, 6, *(each.detach().numpy() for each in ours.parameters())
    )
    assert theirs.wv.index_to_key == ["a", "b", "c"]
    theirs.train([["b", "c"]], total_examples=1, epochs=1, start_alpha=0.1, end_alpha=0.1)
    before = [each.detach().clone() for each in ours.parameters()]
    updates = torch.optim.SGD(ours.parameters(), lr=0.1)
    for word, context in ((2, 1), (1, 2)):  # gensim's order: the context's vector is trained
        batch = (torch.tensor([word]), torch.tensor([context]), torch.zeros(1, 1, dtype=torch.long))
        updates.zero_grad()
        sampled_loss(ours, batch).backward()
        updates.step()
    for mine, other, old in zip(
        ours.parameters(), (theirs.wv.vectors, theirs.syn1neg), before, strict=True
    ):
        moved = (mine.detach() - old).abs().max()
        assert moved > 0.05
        # gensim looks the sigmoid up in a table of 1000 entries from -6 to 6.
        torch.testing.assert_close(mine.detach(), torch.tensor(other), atol=2e-3, rtol=0)
