# bash completion for shopctl, for bash 4.4 or newer.

_shopctl() {
	local todo reply
	mapfile -t reply < <("${1/#\~/$HOME}" __bash "${COMP_LINE:0:COMP_POINT}" "$COMP_TYPE" 2>/dev/null)
	todo=" ${reply[0]-} "
	COMPREPLY=("${reply[@]:1}")
	[[ $todo == *" nospace "* ]] && compopt -o nospace 2>/dev/null
	[[ $todo == *" files "* ]] && compopt -o default 2>/dev/null
	[[ $todo == *" dirs "* ]] && compopt -o plusdirs 2>/dev/null
	return 0
}

complete -o nosort -F _shopctl shopctl
