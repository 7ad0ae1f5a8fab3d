"""The twelve JASPAR 2024 motifs used in the simulated data sets.

The counts are from JASPAR 2024 CORE, vertebrates (https://jaspar.elixir.no), licensed under CC BY 4.0:
I. Rauluseviciute et al., "JASPAR 2024: 20th anniversary of the open-access database of transcription factor binding
profiles", Nucleic Acids Research 52, 2024, https://doi.org/10.1093/nar/gkad1059. They are unchanged.
"""

from __future__ import annotations

from skdeepprune.motifs._jaspar import read_jaspar
from skdeepprune.motifs._lines import MotifLines
from skdeepprune.motifs._motif import Motif


def load_planted_motifs() -> dict[str, Motif]:
    """Load the motifs that the simulated sets plant.

    These are twelve motifs from JASPAR 2024 CORE (vertebrates; CC BY 4.0) [1]_, 7 to 20 bp wide.

    Returns
    -------
    dict of str to Motif
        By name.

    See Also
    --------
    load_simulated : Data sets with planted instances of them.
    skdeepprune.motifs.load_jaspar : Whole releases of JASPAR.

    References
    ----------
    .. [1] I. Rauluseviciute et al., "JASPAR 2024: 20th anniversary of the open-access database of transcription factor
       binding profiles", Nucleic Acids Research 52, 2024.

    Examples
    --------
    >>> motif = load_planted_motifs()["TBP"]
    >>> motif.accession, motif.consensus
    ('MA0108.3', 'TATAAAW')
    """
    return {motif.name: motif for motif in read_jaspar(MotifLines("skdeepprune", _COUNTS.strip().splitlines()))}


_COUNTS = """
>MA1143.2 FOSL1::JUND
A [561  36  39 870  32 116 117 546 645]
C [ 75  50 101  45 835  59 262 330  66]
G [324  44 777  41  64 649  39  83 100]
T [ 40 870  82  44  68 176 582  41 188]
>MA2330.1 ZBTB24
A [ 65  58  28 667  25  49 629  41  84  63]
C [534 662 750  53  35  67  70 705 641 557]
G [127  47  24  62 738 677  57  49  48  74]
T [102  61  26  46  30  35  72  33  55 134]
>MA0077.2 SOX9
A [ 3  8 71  2  7  2 13  9]
C [55 38  1  1  0  2  0  7]
G [ 9  6  0  2  4 72  4  6]
T [ 9 24  4 71 65  0 59 54]
>MA1999.2 Prdm5
A [ 36  59  18  20  39  16  22 575  18  43  88]
C [ 60  86  43 677  31 677 685  81  59 518 145]
G [580  50  37  13  20  30  18  40 128  86  67]
T [ 64 545 642  30 650  17  15  44 535  93 440]
>MA0108.3 TBP
A [ 16 352   3 354 268 360 222]
C [ 46   0  10   0   0   3   2]
G [ 18   2   2   5   0  20  44]
T [309  35 374  30 121   6 121]
>MA0069.1 PAX6
A [ 2  2  4 39  3  1  1 21  1  2 36 11  1  1]
C [ 4  2 26  2 34  0 37  2  4 14  0 11  5  0]
G [ 4  0  1  1  1 41  4  2  1 25  6 13  3 17]
T [33 39 12  1  5  1  1 18 37  2  1  8 34 25]
>MA0145.2 Tfcp2l1
A [   8  285 2437   24  710  402  707 1462 2585 1612   16  253 2199   49]
C [3768 3304   21   98 1380 1183 1630  922  286  212 3811 3324   30  118]
G [ 255   22 1117 3949  103  253  616 1026  780 1263  223   12 1232 3881]
T [  40  465  507   12 1890 2246 1134  681  441 1003   34  491  612   17]
>MA0002.3 Runx1
A [ 123   57    0   87    0   17   10  131  500]
C [1072    0   75  127    0   42  400  463  158]
G [ 149    7 1872   70 1987 1848  251   81  289]
T [ 656 1936   53 1716   13   93 1339 1325 1053]
>MA1991.2 Hnf1A
A [103   18   19   16   16   30 1125  105  85 156]
C [744 1130   30   51   11  118   35   21 689 210]
G [204   39    7   60   12 1033   16   31 377  99]
T [198   62 1193 1122 1210   68   73 1092  98 784]
>MA0014.4 PAX5
A [  18   18  111   94   16 1243   32   69]
C [ 151 1276   35   88   37   39 1305 1081]
G [1231   34 1243   30 1355   70   57  118]
T [  12   84   23 1200    4   60   18  144]
>MA0138.3 REST
A [  58   76 1452   34 122 1575    3   35 913 219   39   20 1406   13 1574   42  205 366 213  179]
C [ 269 1366   30   44 978    7 1586 1481 201 375    7    5  112 1280    9   13 1007  31 933 1114]
G [ 146   50   94 1516 323   12   12   20 162 124 1551 1577   34  233    7 1530  183 688 319   37]
T [1124  105   26   10 182   12    5   70 329 886    7    2   51   74   10    9  198 507 125  260]
>MA0139.2 CTCF
A [281  56   8 744  40 107 851   5 333  54  12  56 104 372  82]
C [ 49 800 903  13 528 433  11   0   3  12   0   8 733  13 482]
G [449  21   0  65 334  48  32 903 566 504 890 775   5 507 307]
T [134  36   2  91  11 324  18   3   9 341   8  71  67  17  37]
"""
