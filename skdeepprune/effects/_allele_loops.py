"""Windows around alleles, compiled. Imported on first use, since numba is slow to load."""

from typing import Any

from skdeepprune._compiling import compiled

OK, MISMATCH, BEYOND, TOO_LONG = 0, 1, 2, 3
# Placeholders: a base to read from the genome, and a base of REF shifted by (code - SHIFTED) letters.
FROM_GENOME, SHIFTED = 100, 200


@compiled
def take_from_genome(genome: Any, places: Any, refs: Any, ref_ends: Any, alts: Any, alt_ends: Any) -> None:
    """Replace FROM_GENOME in REF alleles by the bases of the genome, and SHIFTED in ALT alleles by other bases."""
    ref_start, alt_start = 0, 0
    for i in range(len(places)):
        for j in range(ref_ends[i] - ref_start):
            at = places[i] + j
            if refs[ref_start + j] == FROM_GENOME and 0 <= at < len(genome):
                refs[ref_start + j] = genome[at]
        for j in range(alt_ends[i] - alt_start):
            shift = alts[alt_start + j]
            if shift >= SHIFTED:
                base = refs[ref_start + j]
                alts[alt_start + j] = (base + shift - SHIFTED) % 4 if base < 4 else 4
        ref_start, alt_start = ref_ends[i], alt_ends[i]


@compiled
def write_windows(
    genome: Any,
    genome_as_vcf: Any,
    start: int,
    length: int,
    places: Any,
    refs: Any,
    ref_ends: Any,
    alts: Any,
    alt_ends: Any,
    rows: Any,
    ref_windows: Any,
    alt_windows: Any,
    trimmed: Any,
    status: Any,
) -> None:
    """Write the windows of both alleles of variants, each centred on its allele.

    Parameters
    ----------
    genome, genome_as_vcf : arrays of codes
        A stretch of a chromosome; the second with IUPAC letters reduced as in VCF.
    start, length : int
        Start of the stretch in its chromosome, and the length of the chromosome.
    places : array
        Start of REF in the chromosome.
    refs, ref_ends, alts, alt_ends : arrays
        Concatenated codes of the alleles, and the end of each.
    rows : array
        Rows of the output arrays.
    ref_windows, alt_windows : arrays, shape (n, window)
    trimmed : array, shape (n, 3)
        Output: start and lengths of both alleles after trimming common ends.
    status : array
        Output: OK, MISMATCH, BEYOND or TOO_LONG.
    """
    window = ref_windows.shape[1]
    for i in range(len(places)):
        row, place = rows[i], places[i]
        ref_first, alt_first = (ref_ends[i - 1], alt_ends[i - 1]) if i > 0 else (0, 0)
        n_ref, n_alt = ref_ends[i] - ref_first, alt_ends[i] - alt_first
        trimmed[row, 0], trimmed[row, 1], trimmed[row, 2] = place, n_ref, n_alt
        if place < 0 or place + n_ref > length:
            status[row] = BEYOND
            continue
        status[row] = OK
        for j in range(n_ref):
            base = refs[ref_first + j]
            if base != genome[place - start + j] and base != genome_as_vcf[place - start + j]:
                status[row] = MISMATCH
        if status[row] == MISMATCH:
            continue
        while n_ref > 0 and n_alt > 0 and refs[ref_first + n_ref - 1] == alts[alt_first + n_alt - 1]:
            n_ref, n_alt = n_ref - 1, n_alt - 1
        while n_ref > 0 and n_alt > 0 and refs[ref_first] == alts[alt_first]:
            ref_first, alt_first, place, n_ref, n_alt = ref_first + 1, alt_first + 1, place + 1, n_ref - 1, n_alt - 1
        trimmed[row, 0], trimmed[row, 1], trimmed[row, 2] = place, n_ref, n_alt
        if max(n_ref, n_alt) > window:
            status[row] = TOO_LONG
            continue
        ref_left, alt_left = (window - n_ref) // 2, (window - n_alt) // 2
        shortest = min(n_ref, n_alt)
        right = window - shortest - (window - shortest) // 2
        if place - max(ref_left, alt_left) < 0 or place + n_ref + right > length:
            status[row] = BEYOND
            continue
        _write_window(genome, place - start, n_ref, refs, ref_first, n_ref, ref_windows, row)
        _write_window(genome, place - start, n_ref, alts, alt_first, n_alt, alt_windows, row)


@compiled
def _write_window(
    genome: Any, place: int, n_ref: int, alleles: Any, first: int, n_allele: int, windows: Any, row: int
) -> None:
    """Write an allele that replaces `n_ref` bases of the genome, with its flanks."""
    window = windows.shape[1]
    left = (window - n_allele) // 2
    for j in range(left):
        windows[row, j] = genome[place - left + j]
    for j in range(n_allele):
        windows[row, left + j] = alleles[first + j]
    for j in range(window - left - n_allele):
        windows[row, left + n_allele + j] = genome[place + n_ref + j]
