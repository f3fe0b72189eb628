# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Turns a terminal's screen, as `tmux capture-pane -e -p` gives it, into an SVG: text
# in cells of one width, colours and weights of SGR, and the block characters that bars
# are made of as rectangles, so that they look the same in any font. Knows what netfil
# prints and no more. Run with LC_ALL=C: it reads UTF-8 byte by byte.
#
#   LC_ALL=C awk -v columns=100 -v title='netfil list' -f ansi-to-svg.awk SCREEN >FILE.svg

BEGIN {
	cell = 8.4; line = 19; size = 14; margin = 16; bar = 30 # of the window's frame
	plain = "#d0d0d0"
	colour[31] = "#e06c75"; colour[32] = "#7fbf6a"; colour[33] = "#d9a94a"
	for (i = 0; i < 256; i++)
		byte[sprintf("%c", i)] = i
	# U+2588 to U+258F: full block, then seven to one eighths from the left.
	for (i = 0; i < 8; i++)
		eighths[sprintf("%c%c%c", 226, 150, 136 + i)] = 8 - i
	shade = sprintf("%c%c%c", 226, 150, 145)
	fill = plain
}

function escaped(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	gsub(/>/, "\\&gt;", text)
	return text
}

# Text collected so far, in place and stretched to its cells.
function flush(    style) {
	if (run ~ /[^ ]/) {
		style = sprintf(" fill=\"%s\"", fill)
		if (bold)
			style = style " font-weight=\"bold\""
		if (dim)
			style = style " opacity=\"0.6\""
		body = body sprintf("<text x=\"%.1f\" y=\"%.1f\" textLength=\"%.1f\"%s>%s</text>\n",
			margin + start * cell, y + size, (column - start) * cell, style, escaped(run))
	}
	run = ""
	start = column
}

# Rectangles of one kind that stand side by side are drawn as one.
function draw() {
	if (drawn)
		body = body sprintf("<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"%s/>\n",
			margin + from * cell, y + 2, drawn, line - 4, fill, faint ? " opacity=\"0.2\"" : "")
	drawn = 0
}

function block(width, is_faint) {
	flush()
	if (is_faint != faint)
		draw()
	if (!drawn)
		from = column
	faint = is_faint
	drawn += width
}

# One SGR sequence: "1;32".
function render(codes,    parts, n, i) {
	flush()
	draw()
	n = split(codes == "" ? "0" : codes, parts, ";")
	for (i = 1; i <= n; i++) {
		if (parts[i] + 0 == 0) {
			fill = plain; bold = dim = 0
		} else if (parts[i] == 1)
			bold = 1
		else if (parts[i] == 2)
			dim = 1
		else if (parts[i] == 39)
			fill = plain
		else if (parts[i] in colour)
			fill = colour[parts[i]]
	}
}

{
	y = bar + margin + rows * line
	column = start = 0
	while (length($0)) {
		if (match($0, /^\033\[[0-9;]*m/)) {
			render(substr($0, 3, RLENGTH - 3))
			$0 = substr($0, RLENGTH + 1)
			continue
		}
		first = byte[substr($0, 1, 1)]
		bytes = first < 128 ? 1 : first < 224 ? 2 : first < 240 ? 3 : 4
		character = substr($0, 1, bytes)
		$0 = substr($0, bytes + 1)
		if (character in eighths) {
			block(cell * eighths[character] / 8, 0)
			if (eighths[character] < 8) { # the rest of its cell is as empty as what follows
				draw()
				from = column + eighths[character] / 8
				faint = 1
				drawn = cell * (8 - eighths[character]) / 8
			}
			start = ++column
		} else if (character == shade) {
			block(cell, 1)
			start = ++column
		} else {
			draw()
			run = run character
			column++
		}
	}
	flush()
	draw()
	rows++
}

END {
	width = columns * cell + 2 * margin
	height = bar + 2 * margin + rows * line
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n", width, height, width, height
	print "<!-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause. Made by script/screenshot. -->"
	printf "<title>%s</title>\n", escaped(title)
	printf "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#1d1f21\"/>\n", width, height
	printf "<g fill=\"#5a5d60\"><circle cx=\"20\" cy=\"18\" r=\"5\"/><circle cx=\"38\" cy=\"18\" r=\"5\"/><circle cx=\"56\" cy=\"18\" r=\"5\"/></g>\n"
	printf "<g font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"%d\" xml:space=\"preserve\" lengthAdjust=\"spacingAndGlyphs\">\n", size
	printf "%s</g>\n</svg>\n", body
}
