// The newcomer's path, from an empty database to an avatar that is heard, and to the end.
import assert from 'node:assert/strict'
import { ask } from './api.mjs'
import { checkAccessibility } from './axe.mjs'
import { test } from './harness.mjs'

test('from an empty database to an ended session with the avatar heard', {}, async ({ page, context, watch }) => {
  await page.goto('/')
  await page.getByText('No sessions yet').waitFor()
  await page.getByRole('link', { name: 'New session' }).first().click()
  await page.getByRole('radio', { name: 'Ada' }).check()
  await page.getByRole('button', { name: 'Create session' }).click()

  await page.getByRole('heading', { level: 1, name: 'Session with Ada' }).waitFor()
  assert.match(new URL(page.url()).pathname, /^\/sessions\/sess_[0-9A-Z]{26}$/)
  await page.getByRole('button', { name: 'Start session' }).click()
  const said = page.getByRole('textbox', { name: 'What Ada says' })
  await said.waitFor()

  const [room] = await Promise.all([context.waitForEvent('page'), page.getByRole('link', { name: 'Join room' }).click()])
  await joinRoom(room)
  await checkAccessibility(room, 'the room')

  await said.fill('Good morning, and welcome.')
  await page.getByRole('button', { name: 'Speak', exact: true }).click()
  const loudest = await heard(room)
  assert.ok(loudest > 0.01, `the loudest was ${loudest}`)
  await room.getByText('Good morning, and welcome.').waitFor()
  await page.getByRole('list', { name: 'Spoken' }).getByText('Confirmed').waitFor()
  await checkAccessibility(page)

  await page.getByRole('button', { name: 'End session' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'End session' }).click()
  await page.getByText('Ended by a client').first().waitFor()
  await room.locator('#over').waitFor()
  const { sessions } = await ask('{ sessions(first: 2) { totalCount nodes { status endReason events { type } } } }')
  assert.equal(sessions.totalCount, 1)
  assert.equal(sessions.nodes[0].endReason, 'CLIENT_ENDED')
  const events = sessions.nodes[0].events.map((event) => event.type)
  for (const type of ['STARTED', 'CLIENT_CONNECTED', 'PARTICIPANT_JOINED', 'ENDED']) assert.ok(events.includes(type), `${type} is not in ${events}`)
  assert.ok(watch.sockets.some((socket) => socket.endsWith('/stream')), 'the stream was not used')
})

/** Passes the room's door. */
async function joinRoom(room) {
  await room.locator('#entry').waitFor()
  const name = room.getByLabel('Your name')
  if (await name.isVisible()) await name.fill('Newcomer')
  await room.getByRole('button', { name: 'Join', exact: true }).click()
  await room.getByRole('heading', { level: 1, name: 'Ada' }).waitFor()
}

/** The loudness that the room's analyser measured of what it played, once it has heard anything. */
async function heard(room) {
  const loud = await room.waitForFunction(() => {
    const level = Number(document.getElementById('stage').dataset.level)
    return level > 0.01 ? level : false
  })
  return loud.jsonValue()
}
