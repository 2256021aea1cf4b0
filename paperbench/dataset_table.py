"""Every dataset: its files, their checksums, and where they come from."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from paperbench.errors import DataError


@dataclass(frozen=True)
class DataFile:
    """One file: `name` without `.gz`, the SHA-256 of its unpacked bytes, its canonical home."""

    name: str
    sha256: str
    url: str


@dataclass(frozen=True)
class Dataset:
    """A dataset: files to be found or fetched, or one that comes with a package (`embedded`)."""

    name: str
    summary: str
    licence: str
    files: tuple[DataFile, ...] = ()
    embedded: Callable[[], Path] | None = None

    def sha256(self) -> str:
        """One hash for the whole dataset; needs no file unless the dataset is embedded."""
        if self.embedded is not None:
            return hashlib.sha256(self.embedded().read_bytes()).hexdigest()
        joined = "\n".join(f"{file.name} {file.sha256}" for file in self.files)
        return hashlib.sha256(joined.encode()).hexdigest()


def _package_file(package: str, *parts: str) -> Callable[[], Path]:
    def locate() -> Path:
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            raise DataError(
                f"package `{package}` is not installed",
                help="install paperbench with its dependencies",
            )
        return Path(found.origin).parent.joinpath(*parts)

    return locate


_GITHUB = "https://raw.githubusercontent.com"


def _files(home: str, listed: str) -> tuple[DataFile, ...]:
    """Files by lines of `name sha256`; `home` is where they lie, `{}` in it stands for the name."""
    pairs = (line.split() for line in listed.strip().splitlines())
    return tuple(DataFile(name, sha256, home.format(name)) for name, sha256 in pairs)


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "digits",
            "1,797 handwritten digits of 8 x 8 pixels, 10 classes",
            "CC BY 4.0 (UCI)",
            embedded=_package_file("sklearn", "datasets", "data", "digits.csv.gz"),
        ),
        Dataset(
            "python-docs",
            "the Python language reference as it ships with Python, about 460 kB",
            "PSF-2.0",
            embedded=_package_file("pydoc_data", "topics.py"),
        ),
        Dataset(
            "mnist",
            "70,000 handwritten digits of 28 x 28 pixels, 10 classes",
            "CC BY-SA 3.0",
            _files(
                "https://ossci-datasets.s3.amazonaws.com/mnist/{}.gz",
                """
train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
""",
            ),
        ),
        Dataset(
            "wikitext-2",
            "2.1 million words of Wikipedia, vocabulary 33,278",
            "CC BY-SA 3.0",
            _files(
                f"{_GITHUB}/pytorch/examples/77f55b912142e11fcfdf5b530231fb9c52f181e8"
                "/word_language_model/data/wikitext-2/{}",
                """
train.txt 9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f
valid.txt f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8
test.txt d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0
""",
            ),
        ),
        Dataset(
            "multi30k",
            "29,000 image captions in English and German",
            "non-commercial",
            _files(
                f"{_GITHUB}/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a"
                "/data/task1/raw/{}.gz",
                """
train.en 460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6
train.de 2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72
val.en 1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227
val.de 660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660
test_2016_flickr.en 399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182
test_2016_flickr.de 4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16
""",
            ),
        ),
        Dataset(
            "fashion-mnist",
            "70,000 pictures of clothes of 28 x 28 pixels, 10 classes",
            "MIT",
            _files(
                f"{_GITHUB}/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141"
                "/data/fashion/{}.gz",
                """
train-images-idx3-ubyte c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
train-labels-idx1-ubyte bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
t10k-images-idx3-ubyte 5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
t10k-labels-idx1-ubyte 0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34
""",
            ),
        ),
        Dataset(
            "tinyshakespeare",
            "1.1 million characters of Shakespeare's plays",
            "public domain",
            _files(
                f"{_GITHUB}/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e"
                "/data/tinyshakespeare/{}",
                """
input.txt 86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed
""",
            ),
        ),
        Dataset(
            "word-similarity",
            "pairs of words and how similar people find them: six sets, 4,872 pairs",
            "the sets' own terms",
            _files(
                f"{_GITHUB}/mfaruqui/eval-word-vectors/94b3dd9fdbac7ed08dbee7179cd5ee464acf0594"
                "/data/word-sim/{}",
                """
EN-MEN-TR-3k.txt 888b13580faa362c7b11da0a670258cf1b1eb4bf0ecbcd418918729a3bd3f43a
EN-RG-65.txt c243f3a91c3f5d8cf67f21a67f6fb80bde8b6bb060851a6a48e6f2d68ec98c9f
EN-SIMLEX-999.txt 405394ffb7d25f6d0e3c041f87c9f27d29dc6b047506769953e85c4523b11685
EN-WS-353-ALL.txt ce12919b240af45bdf46d243601eaca2b6212b159b5e7e9b435ee7ee40c5619c
EN-WS-353-REL.txt 66a7c88100624d0a391605ff61ce84e11d11ee620d51ec0298da49592838f8fa
EN-WS-353-SIM.txt f1da938998863c94e53f72f984a5c6e215f0b46c323aae8f0f4930703a339107
""",
            ),
        ),
        Dataset(
            "word-analogy",
            "19,544 analogies of words and 3,218 of phrases",
            "Apache-2.0",
            _files(
                f"{_GITHUB}/tmikolov/word2vec/20c129af10659f7c50e86e3be406df663beff438/{{}}",
                """
questions-words.txt 8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36
questions-phrases.txt 55cfc0894d0fe6cf974d106da3e09b5fb2fa6125b6ddc633d06e298dc5aa7901
""",
            ),
        ),
    )
}
