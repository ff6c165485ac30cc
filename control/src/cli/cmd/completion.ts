/** Scripts that ask `dplane __complete` at each press of the tab key, so that they never fall behind the command. */
import type { Handler } from '../cli.ts';
import { FILES } from '../complete.ts';
import { notAmong } from '../parse.ts';
import { EXIT } from '../problems.ts';

// A colon, an equals sign and an at sign break words in bash; the prefix it has cut off is cut off the candidates too.
const BASH = `# bash completion for dplane
_dplane() {
  local line word cut
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  local typed="\${COMP_LINE:0:COMP_POINT}"
  COMPREPLY=()
  # Words as they were typed, not as bash broke them at : and =
  if [[ "$typed" == *[:=@]* ]]; then
    words=()
    read -r -a words <<< "$typed"
    words=("\${words[@]:1}")
    [[ "$typed" == *" " ]] && words+=("")
  fi
  word="\${words[\${#words[@]}-1]}"
  cut="\${word%"\${COMP_WORDS[COMP_CWORD]}"}"
  case "\${COMP_WORDS[COMP_CWORD]}" in :|=|@) cut="$word" ;; esac
  while IFS=$'\\t' read -r line _; do
    if [[ "$line" == ${FILES} ]]; then
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word")
    else
      COMPREPLY+=("$(printf '%q' "\${line#"$cut"}")")
    fi
  done < <("\${COMP_WORDS[0]}" __complete "\${words[@]}" 2>/dev/null)
  # After tank/ or name= more is to come
  if [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *[=@/] ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _dplane dplane
`;

const ZSH = `#compdef dplane
# zsh completion for dplane
_dplane() {
  local line
  local -a found partial
  while IFS= read -r line; do
    if [[ "\${line%%$'\\t'*}" == ${FILES} ]]; then
      _files
    elif [[ "\${line%%$'\\t'*}" == *[=@] ]]; then
      partial+=("\${line%%$'\\t'*}")
    else
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#partial} )) && compadd -S '' -- "\${partial[@]}"
  (( \${#found} )) && _describe 'dplane' found
  return 0
}
if [[ "\${funcstack[1]}" == _dplane ]]; then _dplane "$@"; else compdef _dplane dplane; fi
`;

const FISH = `# fish completion for dplane
function __dplane_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
    if string match -q '${FILES}*' -- $line
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c dplane -f -a '(__dplane_complete)'
`;

export const completion: Handler = async ({ term }, input) => {
  const shell = input.word('SHELL');
  const script = { bash: BASH, zsh: ZSH, fish: FISH }[shell];
  if (script === undefined) throw notAmong(shell, shell, ['bash', 'zsh', 'fish']);
  term.streams.stdout.write(script);
  return EXIT.ok;
};
