// list shows who is here and gives what has changed, in words; '' for the first list.
export function list(ul, people, me) {
  const before = new Map([...ul.children].map((li) => [li.dataset.id, li.dataset.name]))
  const now = new Map(people.map((one) => [one.session_id, one.name]))
  ul.replaceChildren(...people.map((one) => item(one, one.session_id === me)))
  if (!before.has(me)) return ''
  const came = [...now].filter(([id]) => !before.has(id)).map(([, name]) => `${name} joined.`)
  const went = [...before].filter(([id]) => !now.has(id)).map(([, name]) => `${name} left.`)
  return [...came, ...went].join(' ')
}

function item(one, isMe) {
  const li = document.createElement('li')
  li.dataset.id = one.session_id
  li.dataset.name = one.name
  li.textContent = one.name
  const kind = isMe ? 'you' : one.avatar ? 'avatar' : ''
  if (kind) {
    const note = document.createElement('span')
    note.className = 'small'
    note.textContent = ` · ${kind}`
    li.append(note)
  }
  return li
}
