package main

// completionScripts are what a shell reads once, by the name of the shell. They ask this program for each
// completion, so that they know its verbs and flags, and never evaluate what it answers.
var completionScripts = map[string]string{
	"bash": `# bash completion of beansprout: eval "$(beansprout completion bash)"
_beansprout() {
	local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} words=() candidate prefix
	COMPREPLY=()
	IFS=$' \t\n' read -ra words <<<"$line"
	while [[ ${#words[@]} -gt 0 && ${words[0]##*/} != beansprout ]]; do words=("${words[@]:1}"); done
	[[ $line == *[[:space:]] ]] && words+=("")
	# Bash splits words at = : and @, and replaces only the last part; beansprout doesn't split.
	[[ $current == [=:@] ]] && current=""
	prefix=${words[${#words[@]}-1]%"$current"}
	while IFS= read -r candidate; do
		COMPREPLY+=("${candidate#"$prefix"}")
	done < <(command beansprout completion candidates -- bash "${words[@]:1}" 2>/dev/null)
}
complete -o bashdefault -o default -F _beansprout beansprout
`,
	"zsh": `#compdef beansprout
# zsh completion of beansprout: source <(beansprout completion zsh)
_beansprout() {
	local -a candidates before
	before=("${(@Q)words[2,CURRENT-1]}")
	candidates=("${(@f)$(command beansprout completion candidates -- zsh "${before[@]}" "${(Q)PREFIX}" 2>/dev/null)}")
	if (( ${#candidates} )) && [[ -n $candidates[1] ]]; then
		compadd -- "${candidates[@]}"
	else
		_files
	fi
}
if [ "$funcstack[1]" = "_beansprout" ]; then
	_beansprout "$@"
else
	compdef _beansprout beansprout
fi
`,
	"fish": `# fish completion of beansprout: beansprout completion fish | source
function __beansprout_candidates
	set -l before (commandline -opc)
	set -l found (command beansprout completion candidates -- fish $before[2..-1] (commandline -ct) 2>/dev/null)
	if test (count $found) -gt 0
		printf '%s\n' $found
	else
		__fish_complete_path (commandline -ct)
	end
end
complete -c beansprout -f -a '(__beansprout_candidates)'
`,
}
