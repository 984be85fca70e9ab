// The avatar's portrait: its picture, or a face drawn here when it has none that can be shown.
const SVG = 'http://www.w3.org/2000/svg'

// draw fills the portrait. Nothing changes when the avatar is the same.
export function draw(portrait, avatar) {
  const key = avatar ? `${avatar.name}\n${avatar.picture}` : ''
  if (portrait.dataset.of === key && portrait.firstChild) return
  portrait.dataset.of = key
  portrait.classList.toggle('nobody', !avatar)
  portrait.replaceChildren(face(avatar?.name ?? ''))
  if (!avatar?.picture) return
  const picture = new Image()
  picture.alt = '' // the name stands below
  picture.onload = () => {
    if (portrait.dataset.of === key) portrait.replaceChildren(picture)
  }
  picture.src = avatar.picture
}

// face is the same for the same name. Its mouth opens with the loudness.
function face(name) {
  const svg = element('svg', { viewBox: '0 0 100 100', class: 'face', 'aria-hidden': 'true' })
  svg.style.setProperty('--hue', hue(name))
  svg.append(
    element('circle', { class: 'skin', cx: 50, cy: 50, r: 50 }),
    element('circle', { class: 'line', cx: 35, cy: 43, r: 4 }),
    element('circle', { class: 'line', cx: 65, cy: 43, r: 4 }),
    element('path', { class: 'line mouth', d: 'M35 63 Q50 71 65 63 Q50 90 35 63Z' }),
  )
  return svg
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

function hue(name) {
  let sum = 150
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360
  return sum
}
