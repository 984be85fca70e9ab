import assert from 'node:assert/strict'
import { AxeBuilder } from '@axe-core/playwright'

/** What axe finds serious or critical fails the test. */
export async function checkAccessibility(page, where = page.url(), { except = [] } = {}) {
  // A tab behind another is not drawn, and a colour that is still changing is not the one to judge.
  await page.bringToFront()
  await page.evaluate(() => {
    const ends = ({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime)
    return Promise.allSettled(document.getAnimations().filter(ends).map((animation) => animation.finished))
  })
  // Legacy: no page of axe's own besides, for there are no frames of other origins.
  const builder = new AxeBuilder({ page }).setLegacyMode(true)
  for (const selector of except) builder.exclude(selector)
  const { violations } = await builder.analyze()
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  assert.deepEqual(
    grave.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`) })),
    [],
    `axe on ${where}`,
  )
}
