import gzip
import io

import memelite.io
import numpy as np
import pytest
from Bio import motifs as bio_motifs
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdeepprune._reading import FileFormatError
from skdeepprune.motifs import Motif, Site, load_jaspar, read_motifs, write_motifs

FORMATS = ["meme", "jaspar", "transfac"]
SITES = (
    Site(3, 'chr1:5-106 "odd" name', -2, "-", 7.123456789012345, "NNTA"),
    Site(0, "sequence_0", 44, "+", 0.1, "GATA"),
)
FULL = Motif(
    "kernel_0",
    [[0, 0, 2, 0.5], [2.5, 0, 0, 0], [0.25, 0.25, 0.25, 1.75], [2.5, 0, 0, 0]],
    2.5,
    sites=SITES,
    kernel=0,
    weight=-1.25,
    importance=1 / 3,
    threshold=0.1 + 0.2,
    notes=("copy of kernel_2, shifted by +3 (correlation 0.91)", "ü ∞"),
)
PLAIN = Motif("TBP", [[61, 145, 152, 31], [16, 46, 18, 309], [352, 0, 2, 35]], 389, accession="MA0108.3")

NAMES = st.text("abcXYZ019.:_-()[]", min_size=1, max_size=8)


@st.composite
def any_motif(draw):
    """Make a motif whose positions all sum to the number of sites, as those of a kernel do."""
    counts = draw(arrays(np.float64, (draw(st.integers(1, 6)), 4), elements=st.integers(0, 5000)))
    counts[:, 3] = counts.sum(axis=1).max() - counts[:, :3].sum(axis=1) + 1
    return Motif(draw(NAMES), counts, float(counts[0].sum()), accession=draw(st.just("") | NAMES))


def written(motifs, format, **options) -> str:
    file = io.StringIO()
    write_motifs(motifs, file, format, **options)
    return file.getvalue()


class TestReadsBackEqual:
    @pytest.mark.parametrize("format", ["meme", "transfac"])
    def test_everything_there_is(self, format):
        motifs = [FULL, PLAIN]
        assert read_motifs(io.StringIO(written(motifs, format))) == motifs

    def test_without_sites(self):
        (motif,) = read_motifs(io.StringIO(written(FULL, "meme", sites=False)))
        assert motif.sites == () and motif.notes == FULL.notes

    @pytest.mark.parametrize("format", FORMATS)
    @given(motifs=st.lists(any_motif(), min_size=1, max_size=3))
    def test_whole_counts(self, format, motifs):
        assert read_motifs(io.StringIO(written(motifs, format))) == motifs

    @pytest.mark.parametrize("format", ["meme", "transfac"])
    @given(
        counts=st.integers(1, 5).flatmap(
            lambda w: arrays(np.float64, (w, 4), elements=st.floats(0, 1e6, width=32) | st.sampled_from([0, 0.5, 1]))
        ),
        n_sites=st.floats(0, 1e6),
        background=st.sampled_from([(0.25,) * 4, (0.3, 0.2, 0.2, 0.3)]),
    )
    def test_any_counts(self, format, counts, n_sites, background):
        motifs = [Motif("a", counts, n_sites, background=background), PLAIN]
        assert read_motifs(io.StringIO(written(motifs, format))) == motifs

    @pytest.mark.parametrize("format", FORMATS)
    def test_a_database(self, format):
        motifs = [Motif(m.name, m.counts, m.n_sites, accession=m.accession) for m in load_jaspar()]
        assert read_motifs(io.StringIO(written(motifs, format))) == motifs

    @pytest.mark.parametrize("name", ["motifs.meme", "motifs.meme.gz"])
    def test_files(self, tmp_path, name):
        path = tmp_path / name
        write_motifs([FULL, PLAIN], path)
        assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith("gz")
        assert read_motifs(path) == [FULL, PLAIN]
        with path.open("rb") as file:
            assert read_motifs(file) == [FULL, PLAIN]

    def test_no_motifs(self):
        assert read_motifs(io.StringIO(written([], "meme"))) == []


class TestOtherPrograms:
    def test_memelite_reads_meme(self, tmp_path):
        write_motifs([FULL, PLAIN], tmp_path / "m.meme")
        peer = memelite.io.read_meme(tmp_path / "m.meme")
        assert list(peer) == ["kernel_0", "MA0108.3 TBP"]
        np.testing.assert_array_equal(peer["MA0108.3 TBP"].T, PLAIN.ppm)

    def test_memelite_writes_meme(self, tmp_path):
        memelite.io.write_meme(tmp_path / "m.meme", {"MA0108.3 TBP": PLAIN.ppm.T})
        (motif,) = read_motifs(tmp_path / "m.meme")
        assert (motif.name, motif.accession) == ("TBP", "MA0108.3")
        np.testing.assert_allclose(motif.ppm, PLAIN.ppm)

    @pytest.mark.parametrize("format", ["minimal", "jaspar", "transfac"])
    def test_biopython_reads(self, format):
        # Biopython takes whole numbers of sites only in MEME files.
        with_sites = Motif("kernel_0", FULL.counts * 4, 10, sites=SITES, weight=0.5, notes=FULL.notes)
        text = written([with_sites, PLAIN], "meme" if format == "minimal" else format)
        peers = bio_motifs.parse(io.StringIO(text), format)
        for peer, motif in zip(peers, [with_sites, PLAIN], strict=True):
            np.testing.assert_array_equal([peer.counts[base] for base in "ACGT"], motif.counts.T)
        if format == "minimal":
            assert [peer.name for peer in peers] == ["kernel_0", "MA0108.3"]
            assert peers[1].num_occurrences == 389
        elif format == "jaspar":
            assert (peers[1].name, peers[1].matrix_id) == ("TBP", "MA0108.3")
        else:
            assert (peers[1]["AC"], peers[1]["ID"]) == ("MA0108.3", "TBP")

    @pytest.mark.parametrize("format", ["jaspar", "transfac"])
    def test_biopython_writes(self, format):
        peer = bio_motifs.parse(io.StringIO(written(PLAIN, format)), format)
        (motif,) = read_motifs(io.StringIO(bio_motifs.write(peer, format)))
        assert (motif.name, motif.accession) == ("TBP", "MA0108.3")
        np.testing.assert_array_equal(motif.counts, PLAIN.counts)

    @pytest.mark.parametrize(
        ("name", "n_motifs"),
        [
            ("pyjaspar_JASPAR2024_CORE_vertebrates_latest.meme.gz", 879),
            ("HOCOMOCOv11_core_HUMAN_mono_meme_format.meme.gz", 401),
        ],
    )
    def test_databases(self, shared_data, tmp_path, name, n_motifs):
        motifs = read_motifs(shared_data / "motifs" / name)
        plain = tmp_path / "m.meme"
        plain.write_bytes(gzip.decompress((shared_data / "motifs" / name).read_bytes()))
        peers = memelite.io.read_meme(plain)
        assert len(motifs) == len(peers) == n_motifs
        for motif, (key, peer) in zip(motifs, peers.items(), strict=True):
            assert key == " ".join(filter(None, (motif.accession, motif.name)))
            np.testing.assert_allclose(motif.ppm, peer.T / peer.sum(axis=0)[:, None], atol=1e-9)

    def test_jaspar_equals_pyjaspar(self, shared_data):
        from_file = read_motifs(shared_data / "motifs" / "pyjaspar_JASPAR2024_CORE_vertebrates_latest.meme.gz")
        by_accession = {motif.accession: motif for motif in load_jaspar("JASPAR2024")}
        assert by_accession.keys() == {motif.accession for motif in from_file}
        for motif in from_file:
            np.testing.assert_allclose(motif.ppm, by_accession[motif.accession].ppm, atol=1e-5)

    def test_output_of_meme_itself(self):
        text = (
            "*****\nMEME - Motif discovery tool\n*****\nMEME version 5.5.5 (Release date: ...)\n\nALPHABET= ACGT\n"
            "Background letter frequencies (from file dataset with add-one prior applied):\nA 0.3 C 0.2 G 0.2 T 0.3\n\n"
            "MOTIF TGA MEME-1\twidth =   2  sites =  10  llr = 9  E-value = 1.0e-003\n"
            "\tMotif TGA MEME-1 position-specific scoring matrix\n"
            "log-odds matrix: alength= 4 w= 2 n= 100 bayes= 7 E= 1.0e-003\n -36 -36 -36 173\n -36 -36 173 -36\n"
            "\tMotif TGA MEME-1 position-specific probability matrix\n"
            "letter-probability matrix: alength= 4 w= 2 nsites= 10 E= 1.0e-003\n"
            " 0.000000  0.100000  0.000000  0.900000 \n 0.000000  0.000000  1.000000  0.000000 \n"
        )
        (motif,) = read_motifs(io.StringIO(text))
        assert (motif.accession, motif.name, motif.n_sites) == ("TGA", "MEME-1", 10)
        assert motif.counts.tolist() == [[0, 1, 0, 9], [0, 0, 10, 0]]
        assert motif.background == (0.3, 0.2, 0.2, 0.3)

    def test_optional_parts_of_minimal_meme(self):
        text = "MEME version 4\nMOTIF a\nletter-probability matrix:\n0.5 0 0 0.5\n0 1 0 0\n\nMOTIF b\n"
        text += "letter-probability matrix: w= 1 nsites= 0\n1 0 0 0"
        a, b = read_motifs(io.StringIO(text))
        assert a.counts.tolist() == [[10, 0, 0, 10], [0, 20, 0, 0]] and b.n_sites == 20

    def test_jaspar_without_letters(self):
        text = ">MA0001.1\tAGL3 x\n0\t3\n94\t75\n1\t0\n2\t19\n\n"
        (motif,) = read_motifs(io.StringIO(text))
        assert (motif.accession, motif.name, motif.n_sites) == ("MA0001.1", "AGL3 x", 97)

    def test_transfac_from_elsewhere(self):
        text = "ID\tany_old_name\nBF\tspecies\nPO\tA\tC\tG\tT\n00\t1\t2\t2\t0\tS\n01\t2\t1\t2\t0\tR\nXX\n//\n"
        (motif,) = read_motifs(io.StringIO(text))
        assert (motif.name, motif.n_sites, motif.width) == ("any_old_name", 5, 2)

    def test_homer(self):
        text = (
            ">ASTT\t1-ASTT,BestGuess:x\t8.059\t-23791.5\t0\tT:17.0(44.00%),B:2.0(5%)\n"
            "0.997\t0.001\t0.001\t0.001\n.001\t.5\t.498\t.001\n0.001\t0.001\t0.001\t0.997\n0 0 0 1\n"
            ">GC\tSecond\t6\n\n0 0 1 0\n0 1 0 0\n"
        )
        first, second = read_motifs(io.StringIO(text))
        assert (first.name, first.n_sites, first.consensus) == ("1-ASTT,BestGuess:x", 17, "ASTT")
        np.testing.assert_allclose(first.ppm[1], [0.001, 0.5, 0.498, 0.001])
        assert (second.name, second.n_sites, second.counts.tolist()) == ("Second", 20, [[0, 0, 20, 0], [0, 20, 0, 0]])

    @pytest.mark.parametrize(
        "text",
        [
            ">M x\nA [ .9 .05 ]\nC [ .03 .9 ]\nG [ .03 .03 ]\nT [ .04 .02 ]\n",
            "AC  M\nID  x\nP0  A C G T\n1 .9 .03 .03 .04 A\n2 .05 .9 .03 .02 C\n//\n",
            "AC  M\nID  x\nPO  t g c a\n1 .04 .03 .03 .9 A\n2 .02 .03 .9 .05 C\n//\n",
        ],
    )
    def test_fractions_are_probabilities(self, text):
        (motif,) = read_motifs(io.StringIO(text))
        as_meme = "MEME version 4\nMOTIF M x\nletter-probability matrix:\n.9 .03 .03 .04\n.05 .9 .03 .02\n"
        assert [motif] == read_motifs(io.StringIO(as_meme))
        assert (motif.n_sites, motif.consensus) == (20, "AC") and motif.information_content.min() > 1

    def test_fractions_of_the_sites_a_transfac_file_names(self):
        (motif,) = read_motifs(io.StringIO("ID  x\nP0  A C G T\n1 .5 .5 0 0\nBA  8 sites\n//\n"))
        assert (motif.n_sites, motif.counts.tolist()) == (8, [[4, 4, 0, 0]])

    def test_a_count_of_one_site_is_a_count(self):
        (motif,) = read_motifs(io.StringIO(">x\nA [ 1 0 ]\nC [ 0 1 ]\nG [ 0 0 ]\nT [ 0 0 ]\n"))
        assert (motif.n_sites, motif.consensus) == (1, "AC")

    @pytest.mark.parametrize(
        "alphabet",
        [
            "ALPHABET= ACGU",
            "ALPHABET=ACGU",
            "ALPHABET = A C G T",
            'ALPHABET "DNA" DNA-LIKE\nA "Adenine" CC0000 ~ T "Thymine" 0000CC\nC ~ G\nN = ACGT\nEND ALPHABET',
        ],
    )
    def test_alphabets_of_meme(self, alphabet):
        (motif,) = read_motifs(io.StringIO(f"MEME version 5\n{alphabet}\n" + MATRIX + "0 1 0 0\n0 0 0 1\n"))
        assert motif.consensus == "CT"

    @given(st.permutations("ACGU") | st.permutations("ACGT"))
    def test_an_alphabet_is_read_as_declared(self, letters):
        background = " ".join(f"{letter} {(i + 1) / 10}" for i, letter in enumerate(letters))
        text = f"MEME version 4\nALPHABET= {''.join(letters)}\nBackground letter frequencies\n{background}\n"
        (motif,) = read_motifs(io.StringIO(text + MATRIX + ".7 .1 .1 .1\n.1 .1 .1 .7\n"))
        assert motif.consensus == (letters[0] + letters[3]).replace("U", "T")
        assert motif.background["ACGT".index(letters[1].replace("U", "T"))] == 0.2

    def test_additions_of_editors(self, tmp_path):
        path = tmp_path / "m.meme.gz"  # and plain text under a name of gzip
        path.write_bytes(b"\xef\xbb\xbf" + (HEAD + MATRIX + "\n1 0 0 0\n0 1 0 0\n").replace("\n", "\r\n").encode())
        (motif,) = read_motifs(path)
        assert motif.consensus == "AC"
        assert read_motifs(io.StringIO(path.read_text())) == [motif]

    def test_gzip_under_a_plain_name(self, tmp_path):
        path = tmp_path / "m.txt"
        path.write_bytes(gzip.compress(written(PLAIN, "jaspar").encode()))
        assert read_motifs(path) == [PLAIN]


HEAD = "MEME version 4\n\nALPHABET= ACGT\n\n"
MATRIX = "MOTIF a\nletter-probability matrix: alength= 4 w= 2 nsites= 8 E= 0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected a motif file"),
        ("once upon a time\n", "line 1: expected a motif file.*once upon"),
        ("MEME version 4\n\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n", "line 3: expected the four letters A, C, G and T, or U"),
        (HEAD + "Background letter frequencies\nA 0.25 C 0.25\n", "line 6: expected background"),
        (HEAD + "MOTIF\n", "line 5: expected a name"),
        (HEAD + "MOTIF a\n", "line 5: the file ends before"),
        (HEAD + "MOTIF a\nMOTIF b\n", "line 6: .*got another MOTIF"),
        (HEAD + MATRIX.replace("w= 2", "w= two"), "line 6: expected the number of positions"),
        (HEAD + MATRIX.replace("nsites= 8", "nsites= x"), "line 6: expected a number of sites"),
        (HEAD + MATRIX + "0.5 0.5 0 0\n", "line 7: .*position 2 of motif 'a', got none"),
        (HEAD + MATRIX + "0.5 0.5 0 0\n1 0 0 0\n0 1 0 0\n", "line 9: expected 2 positions .* as given by w="),
        (HEAD + MATRIX + "0.5 0.5 0 0\n1 0 0 0\n\n0 1 0 0\n", "line 10: expected 'letter-probability matrix:'"),
        (HEAD + MATRIX.replace("w= 2", "") + "0.5 0.5 0 0\n-.5 1.5 0 0\n", "line 8: .*none of them negative"),
        (HEAD + MATRIX.replace("alength= 4", "alength= 20"), "line 6: expected alength= 4"),
        (HEAD + MATRIX.replace("MOTIF a", "Motif a"), "line 6: expected a line with 'MOTIF', in capitals"),
        (HEAD + "Motif a\n", "line 5: expected 'MOTIF', in capitals"),
        (HEAD + MATRIX + "1 0 0 0\n1 0 0 0\n\nmotif b\n" + MATRIX[8:] + "1 0 0 0\n", "line 11: .*in capitals"),
        (HEAD + "Background letter frequencies\nA 0.5 C 0.5 G 0.5 T 0.5\n", "line 6: expected background"),
        (HEAD + "Background letter frequencies\nA 0.5 C 0.5 G 0 T 0\n", "line 6: expected background"),
        ('MEME version 5\nALPHABET "protein"\nA "Alanine"\nC\nEND ALPHABET\n', "line 5: expected the four letters"),
        ('MEME version 5\nALPHABET "DNA"\nA ~ T\nC ~ G\n', "line 4: the file ends before the 'END ALPHABET'"),
        (HEAD + MATRIX + "0.5 0.5 0 0\n0.5 0.5 0\n", "line 8: .*position 2 of motif 'a'.*four numbers"),
        (HEAD + MATRIX + "0.5 0.5 0 0\n0.5 0.6 0 0\n", "line 8: .*that sum to 1"),
        (HEAD + MATRIX + "0.5 0.5 0 nan\n", "line 7: .*none of them negative"),
        (HEAD + MATRIX + "0.5 0.5 0 x\n", "line 7: .*got '0.5 0.5 0 x'"),
        (HEAD + MATRIX.replace("w= 2", "") + "\n", "position 1 of motif 'a', got none"),
        (HEAD + MATRIX + "1 0 0 0\n1 0 0 0\n# skdeepprune {broken\n", "line 9: expected JSON"),
        (HEAD + MATRIX + '1 0 0 0\n1 0 0 0\n# skdeepprune {"color": 1}\n', "line 9: expected a JSON object"),
        (
            HEAD + MATRIX + '1 0 0 0\n1 0 0 0\n# skdeepprune-site [0, "s", 1, "+", 1.0, "AAA"]\n',
            "line 9: .*3 letters: 'AAA'",
        ),
        (HEAD + MATRIX + "1 0 0 0\n1 0 0 0\n# skdeepprune-site [0]\n", "line 9"),
        (HEAD + MATRIX + "1 0 0 0\n1 0 0 0\n# skdeepprune-site 5\n", "line 9"),
        (HEAD + MATRIX + "1 0 0 0\n1 0 0 0\n# skdeepprune 5\n", "line 9"),
        (HEAD + MATRIX + '1 0 0 0\n1 0 0 0\n# skdeepprune {"weight": "x"}\n', "line 9: expected numbers"),
        (HEAD + MATRIX + '1 0 0 0\n1 0 0 0\n# skdeepprune {"totals": [1]}\n', "line 9: expected 2 totals"),
        (HEAD + MATRIX + '1 0 0 0\n1 0 0 0\n# skdeepprune {"background": [1, 2]}\n', "line 9: this does not match"),
        (">a\nA [ 1 2 ]\nC [ 1 ]\n", "line 3: expected 2 counts of C in motif 'a'"),
        (">a\nA [ 1 2 ]\nC [ 1 2 ]\nG [ 1 2 ]\n", "line 4: expected 2 counts of T"),
        (">a\nA [ .3 ]\nC [ .3 ]\nG [ .3 ]\nT [ 0 ]\n", "line 5: .*at position 1 they sum to 0.9"),
        (">a\nA [ 1e308 ]\nC [ 1e308 ]\nG [ 0 ]\nT [ 0 ]\n", "line 5: .*infinite counts"),
        (">a\nA [ 1e999 ]\n", "line 2: .*infinite"),
        (">a\nACGTTGCA\n", "line 2: .*seems to be FASTA"),
        (">a\n.1 .2 .3 .4\n.7 .1 .1 .1\n", "line 1: motif 'a' .*as GimmeMotifs writes it"),
        (">a\n.1 .2 .3 .4\n.7 .1 .1 .1\n.7 .1 .1 .1\n1 0 0 0\n", "line 1: motif 'a' .*as GimmeMotifs writes it"),
        (">a\n0 1 0 0\n0 0 1 0\n0 0 0 1\n1 0 0 0\n", "line 1: motif 'a' .*letters or positions"),
        ("Pos\tA\tC\tG\tT\n1\t.1\t.2\t.3\t.4\n", "line 1: .*seems to be a table of CIS-BP"),
        ("TF\tX\nMotif\tM0\nPos\tA\tC\tG\tU\n1\t.1\t.2\t.3\t.4\n", "line 1: .*seems to be a table of CIS-BP"),
        ("Gata4\nA:\t.1\t.2\nC:\t.1\t.2\n", "line 1: .*seems to be a matrix of UniPROBE"),
        ('<?xml version="1.0"?>\n', "line 1: .*seems to be XML"),
        (">AC\ta\t5.5\n.5 .5 0 0\n.5 .6 0 0\n", "line 3: .*position 2 of motif 'a', four numbers that sum to 1"),
        (">AC\ta\t5.5\n", "line 1: expected probabilities of motif 'a'"),
        (">AC\ta\t5.5\n1 0 0 0\n>AC\ta\n1 0 0 0\n", "line 3: expected '>consensus', name and threshold"),
        ("ID  a\n//\n", "line 2: the file contains no motif"),
        ("ID  a\nP0  A  C  G  T\n01  .3 .3 .3 0\n//\n", "line 4: .*at position 1 they sum to 0.9"),
        (">a\nA [ ]\n", "line 2: expected some counts of A"),
        (">a\nA [ 1 x ]\n", "line 2: expected the counts of A"),
        (">a\nA [1]\nC [1]\nG [1]\nT [1]\nA [1]\n", "line 6: expected '>'"),
        (">\n", "line 1: expected '>' and the name"),
        ("ID  a\nP0  A  C  G  T\n01  1  2  3  4\n", "line 3: the file ends before the '//'"),
        ("ID  a\nP0  A  C  G  X\n", "line 2: expected the four letters"),
        ("ID  a\nP0  A  C  G  T\n01  1  2  3\n//\n", "line 3: expected the counts .* position 1"),
        ("ID  a\nP0  A  C  G  T\n01  1  2  3  4\n07  1  2  3  4\n//\n", "line 4: expected the counts .* position 2"),
        ("ID  a\nP0  A  C  G  T\n01  1  2  3  -4\n//\n", "line 3: .*none of them negative"),
        ("ID  a\nP0  A  C  G  T\n//\n", "line 3: expected the counts of a matrix"),
        ("XX\nP0  A  C  G  T\n01  1  2  3  4\n//\n", "line 4: expected a name"),
        ("ID  a\nHello  there\n", "line 2: expected a two-letter key"),
        ("ID  a\nP0  A  C  G  T\n01  1  2  3  4\nCC  skdeepprune-site [1]\n//\n", "line 4"),
    ],
)
def test_malformed_files_name_the_line(tmp_path, text, message):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_motifs(path)
    assert f"bad.txt, line {caught.value.line}: " in str(caught.value)


@given(st.data())
def test_a_damaged_file_is_a_value_error_or_a_list(data):
    text = written([FULL, PLAIN], data.draw(st.sampled_from(FORMATS)))
    start = data.draw(st.integers(0, len(text)))
    damaged = text[:start] + data.draw(st.text(max_size=5)) + text[start + data.draw(st.integers(0, 30)) :]
    try:
        assert all(isinstance(motif, Motif) for motif in read_motifs(io.StringIO(damaged)))
    except FileFormatError as error:
        assert error.line is not None


@given(st.binary(max_size=200), st.sampled_from([None, *FORMATS, "homer"]))
def test_no_bytes_end_in_another_error(content, format):
    try:
        read_motifs(io.BytesIO(content), format)
    except FileFormatError:
        pass


def test_damaged_gzip(tmp_path):
    path = tmp_path / "m.meme.gz"
    write_motifs([FULL, PLAIN], path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"m\.meme\.gz: the gzip data are damaged"):
        read_motifs(path)
    path.write_bytes(b"MEME \xff")
    with pytest.raises(ValueError, match=r"m\.meme\.gz, line 1: expected UTF-8"):
        read_motifs(path)


@pytest.mark.parametrize(
    ("motif", "format", "message"),
    [
        (Motif("two words", [[1, 1, 1, 1]], 4), "meme", "a space in its name and no accession"),
        (Motif("two words", [[1, 1, 1, 1]], 4), "jaspar", "a space in its name and no accession"),
        (Motif("two\nlines", [[1, 1, 1, 1]], 4), "transfac", "expected one line"),
        (Motif("a", [[1, 1, 1, 1]], 4, accession="x y"), "meme", "accession 'x y'"),
        (Motif("a", [[1, 1, 1, 1]], 4, accession="x\0y"), "transfac", "expected one line"),
        (Motif("a", [[0.5, 0.5, 0, 0]], 1), "jaspar", "look like probabilities"),
        (PLAIN, "fasta", "format='fasta'"),
        (PLAIN, "homer", "format='homer'"),
    ],
)
def test_motifs_that_cannot_be_written(tmp_path, motif, format, message):
    path = tmp_path / "m.txt"
    path.write_text("older")
    with pytest.raises(ValueError, match=message):
        write_motifs(motif, path, format)
    assert path.read_text() == "older" and list(tmp_path.iterdir()) == [path]


def test_names_with_spaces_where_they_can_be():
    named = Motif("two words", [[1, 1, 1, 1]], 4)
    assert read_motifs(io.StringIO(written(named, "transfac"))) == [named]
    with_accession = Motif("two words", [[1, 1, 1, 1]], 4, accession="X1")
    for format in FORMATS:
        assert read_motifs(io.StringIO(written(with_accession, format))) == [with_accession]


def test_unknown_format():
    with pytest.raises(ValueError, match="format='fasta'"):
        read_motifs(io.StringIO(">a\n"), "fasta")


def test_an_interrupted_write_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "m.meme"
    write_motifs(PLAIN, path)
    monkeypatch.setattr("pathlib.Path.write_bytes", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_motifs(FULL, path)
    assert read_motifs(path) == [PLAIN] and list(tmp_path.iterdir()) == [path]
