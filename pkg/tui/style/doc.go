// Package style draws text into terminal cells: colors and symbols of a Theme, boxes, tables, lists and Markdown. Its
// functions are pure, and know nothing of the shop.
package style
